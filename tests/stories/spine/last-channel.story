# A node with one media channel: the second call is refused while the first one stands, in both directions, and
# the refusal is counted. When the channel is free again, the next call goes through.

set capacity.media_channels = 1
set capacity.media_channels_srtp = 1
front end over udp
start switch
user 2001 "Nurse Anna"
user 2002 "Nurse Bea"
base A
base B
handset 2001 on A
handset 2002 on B
far end +4512345 answers after 0 s
far end +4567890 answers after 0 s
expect handset 2001 registered
expect handset 2002 registered
expect line 2001 registered
expect line 2002 registered

2001 dials +4512345
expect 2001 talking
2002 dials +4567890
expect 2002 refused with 503
expect last call cause.q850 34
expect metric ipdect_call_refusals_total 1
+4567890 dials 2002
expect +4567890 refused with 503
expect metric ipdect_call_refusals_total 2
expect 2001 hears +4512345
2001 hangs up
expect channels idle

2002 dials +4567890
expect 2002 hears +4567890
2002 hangs up
expect channels idle
