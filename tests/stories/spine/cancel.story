# A caller who hangs up before the answer stops the ringing at the other end, in both directions.
# The record says that the call ended normally, only early: status 487, Q.850 cause 16.

front end over udp
start switch
user 2001 "Nurse Anna"
base A
handset 2001 on A
far end +4512345
expect handset 2001 registered
expect line 2001 registered

2001 dials +4512345
expect +4512345 ringing
expect 2001 ringing
2001 hangs up
expect 2001 cancelled
expect +4512345 cancelled
expect last call cause.status 487
expect last call cause.q850 16
expect channels idle

+4512345 dials 2001
expect 2001 ringing
expect +4512345 ringing
+4512345 hangs up
expect +4512345 cancelled
expect 2001 cancelled
expect channels idle
