# A far end that is busy is told to the handset as busy, and the switch's record says so:
# status 486, Q.850 cause 17. No channel stays behind.

front end over udp
start switch
user 2001 "Nurse Anna"
base A
handset 2001 on A
far end +4512345 is busy
expect handset 2001 registered
expect line 2001 registered

2001 dials +4512345
expect 2001 refused with 486
expect last call cause.status 486
expect last call cause.q850 17
expect channels idle
