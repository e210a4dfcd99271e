# A handset on a native base station subscribes, is located, and calls both ways with a far end. Both hear each
# other; the display shows who calls; the air is ciphered.

set dect.ari = "102AF12C"
front end over udp
start switch
user 2001 "Nurse Anna"
far end 7001
native base A
expect native base A in service
subscription window
native handset 2001 near A
expect 2001 located
expect line 2001 registered

2001 dials 7001
7001 answers
expect 2001 hears 7001
expect 7001 hears 2001
expect 2001 ciphered
expect 2001 talking for 2 s
expect 7001 silence below 60 ms
2001 hangs up
expect 7001 ended
expect 2001 ended

7001 dials 2001
expect 2001 ringing
expect 2001 shows 7001
2001 answers
expect 2001 hears 7001
expect 7001 hears 2001
7001 hangs up
expect 2001 ended
expect channels idle
expect native bases without faults
