# A handset with a call and one on hold is handed over: both go along over its one connection. The one in talk misses
# no more than 20 ms; the other one is taken back on the new base station, and is handed over in its turn.

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
expect 7002 hears 2001
2001 and 7002 tell each other numbers
note SIP

2001 walks to B
expect 2001 on B
expect 2001 handed over 1 times
expect native base A connections 0
expect native base A channels.plain 0
expect native base B channels.plain 1
expect 2001 misses at most 2 numbers at once
expect 7002 misses at most 2 numbers at once
expect no SIP since

2001 and 7002 speak again
2001 presses R2
expect 2001 hears 7001
expect 7001 hears 2001
2001 and 7001 tell each other numbers
2001 walks to A
expect 2001 on A
expect 2001 handed over 2 times
expect 2001 misses at most 2 numbers at once
expect 7001 misses at most 2 numbers at once
2001 and 7001 speak again
2001 presses R1
expect 7001 ended
expect 2001 hears 7002
expect 7002 hears 2001
2001 and 7002 tell each other numbers
expect 2001 misses at most 2 numbers at once
expect 7002 misses at most 2 numbers at once
2001 hangs up
expect 7002 ended
expect native base A channels.plain 0
expect channels idle
expect native bases without faults
