# Consultation hold (RFC 5359, 2.2): a handset holds a native handset, asks a second one, ends that call and goes on
# with the first. All three are in the house; then the same with the handset as the held end.

set dect.ari = "102AF12C"
set sip.internal_routing = "first"
front end over udp
start switch
user 2001 "Nurse Anna"
user 2002 "Doctor Bo"
user 2003 "Porter"
base S
handset 2002 on S
handset 2002 has 2 lines
handset 2003 on S
native base A
expect native base A in service
subscription window
native handset 2001 near A
expect handset 2002 registered
expect handset 2003 registered
expect line 2001 registered

2002 dials 2001
2001 answers
expect 2002 hears 2001
2002 holds
2002 dials 2003
2003 answers
expect 2003 hears 2002
2003 hangs up
expect 2002 not talking with 2003
2002 resumes
expect 2001 hears 2002
expect 2002 hears 2001
2002 hangs up
expect 2001 ended
expect channels idle

2001 dials 2002
2002 answers
expect 2002 hears 2001
2001 presses R2003#
expect 2002 held
2003 answers
expect 2003 hears 2001
2001 presses R1
expect 2003 ended
expect 2002 not held
expect 2002 hears 2001
2001 hangs up
expect 2002 ended
expect channels idle
expect native bases without faults
