# Two nurses with wideband handsets hear each other above 4 kHz, over long slots that take two channels each. A handset
# without long slots gets narrowband, and so does everybody where there is no room for a long slot.

set dect.ari = "102AF12C"
set capacity.base_channels = 4
front end over udp
start switch
user 2001 "Nurse Anna"
user 2002 "Nurse Bea"
user 2003 "Porter Carl"
far end 7001
wideband native base A
expect native base A in service
subscription window
wideband native handset 2001 near A
wideband native handset 2002 near A
native handset 2003 near A
expect line 2001 registered
expect line 2002 registered
expect line 2003 registered

2001 dials 2002
2002 answers
expect 2001 hears 2002
expect 2002 hears 2001
expect 2001 in wideband
expect 2002 in wideband
expect native base A with 2 long slots
expect native base A channels.plain 4

# The base station carries four channels, and they are taken.
7001 dials 2003
expect 7001 refused with 486
2001 hangs up
expect 2002 ended
expect native base A with 0 long slots
expect channels idle

# A narrow call has one channel, and the two handsets one each: one of them gets a long slot, which leaves none for
# the other. Both are heard.
7001 dials 2003
2003 answers
expect 2003 hears 7001
expect 2003 in narrowband
2001 dials 2002
2002 answers
expect 2001 hears 2002
expect 2002 hears 2001
expect native base A with 1 long slots
expect native base A channels.plain 4
2001 hangs up
expect 2002 ended
2003 hangs up
expect 7001 ended
expect channels idle
expect native bases without faults
