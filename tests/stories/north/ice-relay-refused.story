# The media relay was set up anew and refuses the credentials in the middle of their life: new ones are asked for at
# once, and the next call goes over it.

media relay
lync front end fe1 by ntlm
set media.ice = true
start switch
user 2001 "Nurse Anna"
base A over udp
handset 2001 on A
far end 45123 with ice relayed
expect line 2001 at front end fe1
expect log "credentials for the media relay are there"

2001 dials 45123
45123 answers
expect 45123 connected by ice over relay
45123 hangs up
expect 2001 ended
expect media relay empty

media relay starts anew
2001 dials 45123
45123 answers
expect log "the relay refuses the credentials"
expect metric ipdect_relay_credentials_total 2
2001 hangs up
expect 45123 ended
expect channels idle

45123 dials 2001
2001 answers
expect 45123 connected by ice over relay
expect 2001 hears 45123
expect 45123 hears 2001
45123 hangs up
expect 2001 ended
expect channels idle
expect media relay empty
