# Who has made a conference walks to the next base station and back: all three hear the two others all along, and no SIP
# message is sent.

patience 60 s
set dect.ari = "102AF12C"
front end over udp
start switch
user 2001 "Nurse Anna"
far end 7001
far end 7002
native base A
expect native base A in service
native base B at 60 m
expect native base B in service
subscription window
native handset 2001 near A
expect line 2001 registered
2001 dials 7001
7001 answers
expect 2001 hears 7001
2001 presses R7002#
7002 answers
expect 2001 hears 7002
2001 presses R3
expect 2001 hears both 7001 and 7002
expect 7001 hears both 2001 and 7002
note SIP

2001 walks to B
expect 2001 on B
expect 2001 handed over 1 times
expect native base B channels.plain 1
expect native base A channels.plain 0
expect 2001 hears both 7001 and 7002
expect 7001 hears both 2001 and 7002
expect 7002 hears both 2001 and 7001

2001 walks to A
expect 2001 on A
expect 2001 handed over 2 times
expect 2001 hears both 7001 and 7002
expect 7001 hears both 2001 and 7002
expect 7002 hears both 2001 and 7001
expect no SIP since
7002 hangs up
expect 2001 hears 7001
expect 7001 hears 2001
2001 hangs up
expect 7001 ended
expect channels idle
expect native bases without faults
