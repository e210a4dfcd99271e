# Whoever recorded the answer of a handset to an authentication cannot use it again: every challenge is fresh. Its
# location is refused and it gets no call; the handset itself is taken as before.

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
2001 replays its last answer
2001 tells where it is
expect 2001 not located
2001 is honest again
2001 tells where it is
expect 2001 located
2001 dials 7001
7001 answers
expect 2001 hears 7001
2001 hangs up
expect 7001 ended
