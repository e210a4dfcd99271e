# The bandwidth policy has no room between the two ends, and leaves the way over the relays of both: the switch names
# no socket of its own, and what is reserved says so. It stays reserved over kill -9. When the relay dies, the two find
# each other directly, by a new offer of the switch.

media relay
media relay admits 0 calls and others by relays
pool checks bandwidth
lync front end fe1 by ntlm
set media.ice = true
start switch
user 2001 "Nurse Anna"
base A over udp
handset 2001 on A
far end 45123 with ice over-own-relay
expect line 2001 at front end fe1
expect log "credentials for the media relay are there"
expect log "the pool's wishes for media are known"

45123 dials 2001
2001 answers
expect 45123 connected by ice over relay
expect 2001 hears 45123
expect 45123 hears 2001
expect media relay holds 1 reservations

expect 2001 talking for 3 s
kill switch
start switch
expect 2001 hears 45123
expect 45123 hears 2001
expect media relay renewed a reservation

media relay dies
expect log "the voice of a call has found another way"
expect 45123 connected by ice over host
expect 2001 hears 45123
expect 45123 hears 2001
2001 hangs up
expect 45123 ended
expect channels idle
