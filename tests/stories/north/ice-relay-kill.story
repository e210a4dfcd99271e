# The switch is killed while a call goes over the media relay: what was allocated there is taken up again, and the
# call keeps its audio without a word of SIP.

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
expect 2001 hears 45123
expect 45123 hears 2001
expect media relay carried 200 packets

kill switch
start switch
expect 2001 hears 45123
expect 45123 hears 2001
# It has signed in again.
expect metric ipdect_relay_credentials_total 1
45123 hangs up
expect 2001 ended
expect channels idle
expect media relay empty
