# Keys pressed in a call reach the far end as telephone events; R holds the far end and takes it back.

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

2001 dials 7001
7001 answers
expect 2001 hears 7001
2001 presses 12*#
expect 7001 hears keys 12*#
2001 presses R
expect 2001 sounds dial
expect 2001 shows "On hold"
2001 presses R
expect 2001 sounds none
expect 2001 hears 7001
expect 7001 hears 2001
2001 hangs up
expect 7001 ended
expect channels idle
expect native bases without faults
