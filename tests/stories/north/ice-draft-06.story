# A user of OCS 2007 R2: his offers have candidates of ICE draft 06. They are answered with an address and without
# candidates, and the call goes on by addresses.

lync front end fe1 by ntlm
set media.ice = true
start switch
user 2001 "Nurse Anna"
base A over udp
handset 2001 on A
far end 45123 with ice draft6
expect line 2001 at front end fe1

45123 dials 2001
2001 answers
expect 2001 hears 45123
expect 45123 hears 2001
expect 45123 not checked by ice
45123 hangs up
expect 2001 ended

2001 dials 45123
45123 answers
expect 2001 hears 45123
expect 45123 hears 2001
2001 hangs up
expect 45123 ended
expect channels idle
