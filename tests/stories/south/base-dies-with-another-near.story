# The plug of a base station is pulled in a call, and the handset hears another one: its link is taken up there, and the
# call goes on. What was said until the next base station had it is lost: less than two seconds.

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
native base C at 30 m
expect native base C in service
subscription window
native handset 2001 near B
expect line 2001 registered
7001 dials 2001
2001 answers
expect 2001 hears 7001
expect 7001 hears 2001
2001 and 7001 tell each other numbers
note SIP
native base B dies
expect 2001 on C
expect 2001 handed over 1 times
expect native base C statistics.handovers_in.done 1
expect native base C channels.plain 1
expect 2001 misses at most 200 numbers at once
expect 7001 misses at most 200 numbers at once
expect no SIP since
expect rest GET /native-base-stations items.1.state down
2001 hangs up
expect 7001 ended
expect channels idle
