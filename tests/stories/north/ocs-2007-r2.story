# A partner who still has OCS 2007 R2: his client reads ICE of draft 06 and takes no offer that is newer alone. Ours
# has a part for him; his are answered without candidates, and media goes by addresses.

pool federated with old.example
lync front end fe1 by ntlm
set media.ice = true
start switch
user 2001 "Nurse Anna"
base A over udp
handset 2001 on A
federated far end bob of old.example speaking r2
expect line 2001 at front end fe1

bob dials 2001
2001 answers
expect 2001 hears bob
expect bob hears 2001
expect bob not checked by ice
bob hangs up
expect 2001 ended

2001 dials bob@old.example
bob answers
expect 2001 hears bob
expect bob hears 2001
2001 hangs up
expect bob ended
expect channels idle
