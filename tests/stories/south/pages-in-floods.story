# A base station that pages, which only the switch may, and one that answers pages nobody sent, have their links cut or
# are turned away. The call beside them does not notice, and both may come again.

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
native base B sends 200 pages
expect native base B links_lost 1
expect native base B state operational
native base B answers 3000 pages
expect native base B state operational
expect native base B connections 0
expect 2001 misses at most 2 numbers at once
expect 7001 misses at most 2 numbers at once
2001 hangs up
expect 7001 ended
expect channels idle
