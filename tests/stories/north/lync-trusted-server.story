# The switch is a trusted server: no password, certificates both ways, and the front end connects to it.

lync front end fe1 by trust
start switch
user 2001 "Nurse Anna"
base A over udp
handset 2001 on A
far end 4512345
expect line 2001 at front end fe1

2001 dials 4512345
4512345 answers
expect 2001 talking
expect 4512345 hears 2001
2001 hangs up
expect 4512345 ended

4512345 dials 2001
2001 answers
expect 4512345 talking
expect 2001 hears 4512345
2001 hangs up
expect 4512345 ended
expect channels idle
