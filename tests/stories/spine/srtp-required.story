# SRTP is required towards the north, and the handset's base requires it too: each leg is encrypted with keys of
# its own, and both ends hear. Phones here hear nothing that is not encrypted with the key that was agreed.

set media.srtp = "required"
front end over tls with srtp required
start switch
user 2001 "Nurse Anna"
base A over tls with srtp required
handset 2001 on A
far end +4512345
expect handset 2001 registered
expect line 2001 registered

2001 dials +4512345
+4512345 answers
expect 2001 hears +4512345
expect +4512345 hears 2001
2001 hangs up
expect +4512345 ended
expect last call srtp.caller true
expect last call srtp.callee true

+4512345 dials 2001
2001 answers
expect 2001 hears +4512345
expect +4512345 hears 2001
+4512345 hangs up
expect 2001 ended
expect channels idle
