# Two calls of a handset with SRTP towards the base station and in the north: swapped, handed over, swapped again, and
# joined. Every turn of the stream has its own keys, and the two who are joined hear each other.

patience 60 s
set dect.ari = "102AF12C"
set media.srtp = "required"
set media.srtp_south = "required"
front end over tls with srtp required
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
expect 7001 hears 2001
2001 presses R7002#
7002 answers
expect 2001 hears 7002
expect 7002 hears 2001
2001 presses R2
expect 2001 hears 7001
expect 7001 hears 2001
2001 presses R2
expect 2001 hears 7002
expect 7002 hears 2001
expect native base A channels.srtp 1

2001 and 7002 tell each other numbers
2001 walks to B
expect 2001 on B
expect 2001 handed over 1 times
expect native base B channels.srtp 1
expect native base A channels.srtp 0
expect 2001 misses at most 2 numbers at once
expect 7002 misses at most 2 numbers at once
2001 and 7002 speak again
2001 presses R2
expect 2001 hears 7001
expect 7001 hears 2001
2001 and 7001 tell each other numbers
expect 2001 misses at most 2 numbers at once
expect 7001 misses at most 2 numbers at once
2001 and 7001 speak again
2001 presses R2
expect 2001 hears 7002
expect 7002 hears 2001
2001 and 7002 tell each other numbers
expect 2001 misses at most 2 numbers at once
expect 7002 misses at most 2 numbers at once
2001 and 7002 speak again
2001 presses R4
expect 2001 ended
expect 7001 hears 7002
expect 7002 hears 7001
7001 and 7002 tell each other numbers
expect 7001 misses at most 2 numbers at once
expect 7002 misses at most 2 numbers at once
7001 hangs up
expect 7002 ended
expect channels idle
expect native bases without faults
