# The media relay is dead: calls wait for it half a second at most, and then not at all, and find their way without.

media relay
lync front end fe1 by ntlm
set media.ice = true
start switch
user 2001 "Nurse Anna"
base A over udp
handset 2001 on A
far end 45123 with ice full
expect line 2001 at front end fe1
expect log "credentials for the media relay are there"

media relay dies
2001 dials 45123
45123 answers
expect 45123 connected by ice over host
expect 2001 hears 45123
expect 45123 hears 2001
expect log "the media relay is left alone"
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
