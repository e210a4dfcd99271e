# A handset that requires SRTP and a far end that has none hear each other: the switch encrypts one leg.

front end over udp
start switch
user 2001 "Nurse Anna"
base A over tls with srtp required
handset 2001 on A
far end +4512345 answers after 0 s
expect handset 2001 registered
expect line 2001 registered

2001 dials +4512345
expect 2001 hears +4512345
expect +4512345 hears 2001
2001 hangs up
expect last call srtp.caller true
expect last call srtp.callee false
expect channels idle
