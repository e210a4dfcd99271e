# A handset on a native base station as transferee, transferred by a far end to a handset on a SIP-DECT base.

set dect.ari = "102AF12C"
front end over udp
start switch
user 2001 "Nurse Anna"
user 2002 "Doctor Bo"
base S
handset 2002 on S
native base A
expect native base A in service
subscription window
native handset 2001 near A
far end +4512345
expect handset 2002 registered
expect line 2001 registered
expect line 2002 registered

+4512345 dials 2001
2001 answers
expect 2001 hears +4512345
+4512345 transfers to 2002
2002 answers
expect +4512345 ended
expect 2001 hears 2002
expect 2002 hears 2001
2002 hangs up
expect 2001 ended
expect channels idle
expect native bases without faults
