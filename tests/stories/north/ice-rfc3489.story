# `media.rfc3489` on: an old border controller, whose checks are of RFC 3489 and which reads no others, is
# understood, whoever calls.

lync front end fe1 by ntlm
set media.rfc3489 = true
set media.ice = true
start switch
user 2001 "Nurse Anna"
base A over udp
handset 2001 on A
far end 45123 with ice rfc3489
expect line 2001 at front end fe1

2001 dials 45123
45123 answers
expect 45123 connected by ice over host
expect 2001 hears 45123
expect 45123 hears 2001
2001 hangs up
expect 45123 ended

45123 dials 2001
2001 answers
expect 45123 connected by ice over host
expect 2001 hears 45123
expect 45123 hears 2001
45123 hangs up
expect 2001 ended
expect channels idle
