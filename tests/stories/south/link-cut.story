# The link between switch and base station is cut for five seconds: the call goes on, both ends hear each other
# all the time, and the base station takes its session up again.

set dect.ari = "102AF12C"
front end over udp
start switch
user 2001 "Nurse Anna"
far end 7001
native base A
expect native base A in service
subscription window
native handset 2001 near A
expect line 2001 registered
7001 dials 2001
2001 answers
expect 2001 hears 7001
expect 7001 hears 2001
2001 and 7001 tell each other numbers
native base A is cut off for 5 s
expect native base A resumed
expect 2001 talking for 8 s
expect 2001 misses at most 2 numbers at once
expect 7001 misses at most 2 numbers at once
2001 hangs up
expect 7001 ended
expect channels idle
expect native bases without faults
