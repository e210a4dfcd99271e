# The switch is a trusted server: no password, certificates both ways, and the front end connects to it.

lync front end fe1 by trust
start switch
user 2001 "Nurse Anna"
base A over udp
handset 2001 on A
far end 45123
expect line 2001 at front end fe1

2001 dials 45123
45123 answers
expect 2001 talking
expect 45123 hears 2001
2001 hangs up
expect 45123 ended

45123 dials 2001
2001 answers
expect 45123 talking
expect 2001 hears 45123
2001 hangs up
expect 45123 ended
expect channels idle
