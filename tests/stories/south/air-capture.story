# What was said over the air is exported for Wireshark, and Wireshark knows every message: access rights, key
# allocation, location, authentication, ciphering, calls both ways, pages, a handover's calls, a wrong code, deletion.

patience 60 s
set dect.ari = "102AF12C"
front end over udp
start switch
user 2001 "Nurse Anna"
user 2002 "Doctor Bo"
far end 7001
native base A
expect native base A in service
subscription window
native handset 2001 near A
expect line 2001 registered
2001 dials 7001
7001 answers
expect 2001 hears 7001
2001 hangs up
expect 7001 ended
7001 dials 2001
2001 answers
expect 7001 hears 2001
7001 hangs up
expect 2001 ended
7001 dials 2001
expect 2001 ringing
2001 hangs up
expect 7001 refused with 603
stranger 2002 near A
2002 cannot subscribe with code 1111
2001 tells where it is
expect 2001 located
2001 replays its last answer
2001 tells where it is
expect 2001 not located
2001 is honest again
2001 tells where it is
expect 2001 located
subscription of 2001 is deleted
expect 2001 not subscribed
expect Wireshark to read 50 messages of the air
