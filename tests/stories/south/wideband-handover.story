# A nurse in a wideband call walks to a base station with long slots, where the call stays in wideband and no SIP message
# is sent, and on to one without, where it goes on in narrowband, translated for the far end. (Gaps are
# judged by the stories of walking handsets; here a decoder that begins in mid-stream cannot read numbers for some 70 ms.)

patience 60 s
set dect.ari = "102AF12C"
front end over udp
start switch
user 2001 "Nurse Anna"
user 2002 "Nurse Bea"
wideband native base A
expect native base A in service
wideband native base B at 60 m
expect native base B in service
native base C at 120 m
expect native base C in service
subscription window
wideband native handset 2001 near A
wideband native handset 2002 near A
expect line 2001 registered
expect line 2002 registered
2001 dials 2002
2002 answers
expect 2001 hears 2002
expect 2002 hears 2001
expect 2001 in wideband
expect 2002 in wideband
note SIP

2001 walks to B
expect 2001 on B
expect 2001 handed over 1 times
expect native base B channels.plain 2
expect native base A channels.plain 2
expect native base B with 1 long slots
expect 2001 in wideband
expect 2002 in wideband
expect no SIP since
expect 2001 hears 2002
expect 2002 hears 2001

2001 walks to C
expect 2001 on C
expect 2001 handed over 2 times
expect native base C channels.plain 1
expect native base B channels.plain 0
expect 2001 in narrowband
expect 2001 hears 2002
expect 2002 hears 2001
2001 hangs up
expect 2002 ended
expect channels idle
expect native bases without faults
