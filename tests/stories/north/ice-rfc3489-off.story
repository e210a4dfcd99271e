# `media.rfc3489` off, as it is when nobody says so: the same border controller is not checked with, and the call
# goes on by the addresses of the descriptions.

lync front end fe1 by ntlm
set media.ice = true
start switch
user 2001 "Nurse Anna"
base A over udp
handset 2001 on A
far end 45123 with ice rfc3489
expect line 2001 at front end fe1

2001 dials 45123
45123 answers
expect 2001 hears 45123
expect 45123 hears 2001
expect 45123 not checked by ice
expect 2001 talking for 3 s
expect 2001 hears 45123
expect 45123 hears 2001
2001 hangs up
expect 45123 ended
expect channels idle
