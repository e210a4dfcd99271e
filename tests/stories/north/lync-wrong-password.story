# A wrong password is told in words, and a better one signs the user in at once.

lync front end fe1 by ntlm
start switch
user 2001 "Nurse Anna" with north password wrong
expect line 2001 failed
expect log "name or password was refused by fe1.hospital.test"
rest PATCH /users/2001 {"auth_password": "north-secret"}
expect line 2001 at front end fe1
