# Where SRTP is required towards the north, a far end without it gets no call: not in the clear.

set media.srtp = "required"
front end over tls
start switch
user 2001 "Nurse Anna"
base A over tls
handset 2001 on A
far end +4512345 answers after 0 s
expect handset 2001 registered
expect line 2001 registered

2001 dials +4512345
expect 2001 refused with 488
+4512345 dials 2001
expect +4512345 refused with 488
expect channels idle
