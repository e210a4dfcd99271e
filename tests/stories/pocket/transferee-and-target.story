# A native handset is transferred, and is the target of transfers: by a telephone that speaks SIP, blind and attended.

set dect.ari = "102AF12C"
front end over udp
start switch
user 2001 "Nurse Anna"
user 2002 "Doctor Bo"
far end 7001
far end 7002
native base A
expect native base A in service
subscription window
native handset 2001 near A
native handset 2002 near A
expect line 2001 registered
expect line 2002 registered

# Transferee.
2001 dials 7001
7001 answers
expect 2001 hears 7001
7001 transfers to 7002
7002 answers
expect 2001 hears 7002
expect 7002 hears 2001
2001 hangs up
expect 7002 ended
expect channels idle

# Target of a blind one.
2001 dials 7001
7001 answers
expect 2001 hears 7001
7001 transfers to 2002
2002 answers
expect 2001 hears 2002
expect 2002 hears 2001
expect 2002 shows 2001
expect 2001 shows "Doctor Bo"
2001 hangs up
expect 2002 ended
expect channels idle

# Transferee and target of an attended one.
7001 dials 2001
2001 answers
expect 2001 hears 7001
7001 dials 2002
2002 answers
expect 2002 hears 7001
7001 connects its calls
expect 2001 hears 2002
expect 2002 hears 2001
2002 hangs up
expect 2001 ended
expect channels idle
expect native bases without faults
