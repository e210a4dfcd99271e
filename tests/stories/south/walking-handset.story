# A nurse walks from one base station to the next in a call, and back, and is given another bearer where she is. Each
# time the new bearer is made before the old one breaks, within 150 ms, and no SIP message is sent. Both ends say numbers
# of 10 ms: neither misses more than two of them at once, which is 20 ms of sound. No clock judges that.

# A base station that hears no other one waits for half a minute before it keeps its own time.
patience 60 s
set dect.ari = "102AF12C"
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
expect 2001 ciphered
2001 and 7001 tell each other numbers
note SIP

2001 walks to B
expect 2001 on B
expect 2001 handed over 1 times
expect native base B statistics.handovers_in.done 1
expect native base B statistics.handovers_in.slow 0
expect native base A statistics.handovers_out.done 1
expect native base B channels.plain 1
expect native base A channels.plain 0
expect native base A connections 0
expect 2001 misses at most 2 numbers at once
expect 7001 misses at most 2 numbers at once

2001 walks to A
expect 2001 on A
expect 2001 handed over 2 times
expect native base A statistics.handovers_in.done 1
expect native base A statistics.handovers_in.slow 0
expect 2001 misses at most 2 numbers at once
expect 7001 misses at most 2 numbers at once

2001 changes its bearer
expect 2001 handed over 3 times
expect native base A statistics.handovers_in.done 2
expect native base A connections 1
expect native base A channels.plain 1
expect 2001 misses at most 2 numbers at once
expect 7001 misses at most 2 numbers at once

expect no SIP since
2001 hangs up
expect 7001 ended
expect channels idle
expect native bases without faults
