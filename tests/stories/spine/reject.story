# A handset that rejects a call is told to the caller in the north as busy.

front end over tcp
start switch
user 2001 "Nurse Anna"
base A
handset 2001 on A
far end +4512345
expect handset 2001 registered
expect line 2001 registered

+4512345 dials 2001
expect +4512345 ringing
2001 rejects
expect +4512345 refused with 486
expect last call cause.status 486
expect channels idle
