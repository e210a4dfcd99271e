# A wrong password registers nobody: not a handset here, and not our line at the registrar.

front end over tcp
start switch
user 2001 "Nurse Anna"
user 2002 "Nurse Bea" with north password guessed
base A
handset 2001 on A with password guessed
handset 2002 on A
expect handset 2001 refused with 403
expect handset 2002 registered
expect line 2001 registered
expect line 2002 failed
expect rest GET /users/2001 status.handset_registered false
expect rest GET /users/2002 status.handset_registered true
