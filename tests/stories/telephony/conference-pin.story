# A room with a PIN asks for it: three wrong ones and the call is over, the right one and it is let in.

set dect.ari = "102AF12C"
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
rest POST /rooms {"name": "8001", "pin": "4711"}

2001 dials 8001
expect 2001 talking
2001 presses 4711
2002 dials 8001
expect 2002 talking
2002 presses 4711
expect 2002 hears 2001
expect 2001 hears 2002
2002 hangs up
expect 2002 ended
2002 dials 8001
expect 2002 talking
2002 presses 000011112222
expect 2002 ended
expect 2001 talking
2001 hangs up
expect channels idle
expect native bases without faults
