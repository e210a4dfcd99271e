# What a broken or hostile base station sends ends its own link, with a reason, and no call elsewhere notices.

# A base station that hears no other one waits for half a minute before it keeps its own time.
patience 60 s
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
2001 and 7001 tell each other numbers
native base B at 60 m
expect native base B in service
native base B sends half a frame
native base C at 40 m
expect native base C in service
native base C sends no frame
native base D at 20 m
expect native base D in service
native base D floods
expect 2001 misses at most 2 numbers at once
expect 7001 misses at most 2 numbers at once
2001 hangs up
expect 7001 ended
