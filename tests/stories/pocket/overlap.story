# Digits one by one: a number that cannot grow is dialled at once, another one after the pause; en bloc too.

set dect.ari = "102AF12C"
set dect.digit_gap = 60
set dialling.outside_line = "0"
front end over udp
start switch
user 2001 "Nurse Anna"
user 2002 "Doctor Bo"
native base A
expect native base A in service
subscription window
native handset 2001 near A
native handset 2002 near A
expect line 2001 registered
expect line 2002 registered

2001 dials 2002
2002 answers
expect 2001 hears 2002
2001 hangs up
expect 2002 ended
2001 dials 2002 en bloc
2002 answers
expect 2001 hears 2002
2001 hangs up
expect 2002 ended
expect channels idle
expect native bases without faults
