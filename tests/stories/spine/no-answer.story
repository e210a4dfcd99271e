# A base whose handset does not answer in time says 480; the caller hears that, and the far side's 408 likewise.

front end over udp
start switch
user 2001 "Nurse Anna"
base A
handset 2001 on A
far end +4512345
expect handset 2001 registered
expect line 2001 registered

+4512345 dials 2001
expect +4512345 ringing
2001 rejects with 480
expect +4512345 refused with 480
expect channels idle

2001 dials +4512345
expect 2001 ringing
+4512345 rejects with 408
expect 2001 refused with 408
expect last call cause.q850 102
expect channels idle
