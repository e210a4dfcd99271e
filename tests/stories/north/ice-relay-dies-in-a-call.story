# The media relay dies in a call whose far end can be reached over it alone: nobody is left in silence, the call ends
# and says why. Before that the relay is started anew, knows neither allocation nor credentials, and the call goes on
# over a new address there.

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
media relay starts anew
expect log "the voice of a call has found another way"
expect 45123 connected by ice over relay
expect 2001 hears 45123
expect 45123 hears 2001

media relay dies
expect 2001 ended
expect 45123 ended
expect last call cause.words "the voice lost its way (the relay does not answer), and no other way was found"
expect channels idle
