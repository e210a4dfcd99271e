# kill -9 while calls ring, one each way: when the switch is back, what rings stops, and who waits is told.
# A native handset in both roles too: one that rings is released, and for one that calls the far end stops ringing.

set dect.ari = "102AF12C"
front end over udp
start switch
user 2001 "Nurse Anna"
user 2002 "Nurse Bo"
user 2003 "Doctor Carl"
user 2004 "Doctor Dora"
base S
handset 2001 on S
handset 2002 on S
far end 7001
far end 7002
far end 7003
far end 7004
native base A
expect native base A in service
subscription window
native handset 2003 near A
subscription window
native handset 2004 near A
expect handset 2001 registered
expect handset 2002 registered
expect line 2001 registered
expect line 2002 registered
expect line 2003 registered
expect line 2004 registered

2001 dials 7001
7002 dials 2002
2003 dials 7003
7004 dials 2004
expect 7001 ringing
expect 2001 ringing
expect 2002 ringing
expect 7002 ringing
expect 7003 ringing
expect 2003 ringing
expect 2004 ringing
expect 7004 ringing
kill switch
start switch
expect 7001 cancelled
expect 2001 refused with 480
expect 2002 cancelled
expect 7002 refused with 480
expect 7003 cancelled
expect 7004 refused with 480
expect 2003 idle
expect 2004 idle
expect channels idle

# And nothing of it stands in the way of the next call.
expect handset 2001 registered
expect line 2001 registered
2001 dials 7001
7001 answers
expect 2001 hears 7001
7001 hangs up
expect 2001 ended
expect channels idle
