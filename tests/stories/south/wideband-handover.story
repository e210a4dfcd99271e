# A nurse in a wideband call walks to a base station without long slots, and back. The call goes on: in narrowband there,
# and in wideband again here. Both ends say numbers of 10 ms: neither misses more than two of them at once.

patience 60 s
set dect.ari = "102AF12C"
front end over udp
start switch
user 2001 "Nurse Anna"
user 2002 "Nurse Bea"
wideband native base A
expect native base A in service
native base B at 60 m
expect native base B in service
subscription window
wideband native handset 2001 near A
wideband native handset 2002 near A
expect line 2001 registered
expect line 2002 registered
2001 dials 2002
2002 answers
expect 2001 hears 2002
expect 2002 hears 2001
expect 2001 in wideband
expect 2002 in wideband
2001 and 2002 tell each other numbers

2001 walks to B
expect 2001 on B
expect 2001 handed over 1 times
expect native base B channels.plain 1
expect native base A channels.plain 2
expect 2001 in narrowband
expect 2002 in narrowband
expect 2001 misses at most 2 numbers at once
expect 2002 misses at most 2 numbers at once

2001 walks to A
expect 2001 on A
expect 2001 handed over 2 times
expect native base B channels.plain 0
expect 2001 misses at most 2 numbers at once
expect 2002 misses at most 2 numbers at once
expect 2001 hears 2002
expect 2002 hears 2001
2001 hangs up
expect 2002 ended
expect channels idle
expect native bases without faults
