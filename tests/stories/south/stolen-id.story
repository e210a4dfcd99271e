# A base station with the id of another one is refused: with somebody else's certificate because that is not its, with a
# copy of its own because the right one answers. The call on the right one does not notice.

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
2001 and 7001 tell each other numbers
native base C with the id of A and the certificate of B at 200 m
expect native base C refused with 5
native base D with the id of A and the certificate of A at 200 m
expect native base D refused with 6
expect native base A state operational
expect native base B state operational
expect 2001 misses at most 2 numbers at once
expect 7001 misses at most 2 numbers at once
2001 hangs up
expect 7001 ended
expect channels idle
