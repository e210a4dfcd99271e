# A number that nobody has is not found: 404, Q.850 cause 1. A user whose handset is off is unavailable: 480.

front end over udp
start switch
user 2001 "Nurse Anna"
user 2002 "Nurse Bea"
base A
handset 2001 on A
far end +4512345
expect handset 2001 registered
expect line 2001 registered
expect line 2002 registered

2001 dials 9999
expect 2001 refused with 404
expect last call cause.q850 1
+4512345 dials 2002
expect +4512345 refused with 480
expect channels idle
