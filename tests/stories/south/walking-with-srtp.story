# A handover where the voice between switch and base stations is encrypted: the next base station gets keys of its
# own, and neither end misses more than 20 ms of sound. A new bearer of the same base station gets new keys too.

patience 60 s
set dect.ari = "102AF12C"
set media.srtp_south = "required"
front end over udp
start switch
user 2001 "Nurse Anna"
far end 7001
native base A
expect native base A in service
native base B at 60 m
expect native base B in service
subscription window
native handset 2001 near A
expect line 2001 registered
7001 dials 2001
2001 answers
expect 2001 hears 7001
expect 7001 hears 2001
2001 and 7001 tell each other numbers
note SIP

2001 walks to B
expect 2001 on B
expect 2001 handed over 1 times
expect native base B channels.srtp 1
expect native base A channels.srtp 0
expect 2001 misses at most 2 numbers at once
expect 7001 misses at most 2 numbers at once

2001 walks to A
expect 2001 handed over 2 times
# The switch takes one handover of a handset at a time; this one is over when its speech has followed.
expect native base A statistics.handovers_in.done 1
expect native base B connections 0
expect 2001 misses at most 2 numbers at once
expect 7001 misses at most 2 numbers at once

2001 changes its bearer
expect 2001 handed over 3 times
expect native base A statistics.handovers_in.done 2
expect native base A connections 1
expect 2001 misses at most 2 numbers at once
expect 7001 misses at most 2 numbers at once
expect no SIP since
2001 hangs up
expect 7001 ended
expect channels idle
expect native bases without faults
