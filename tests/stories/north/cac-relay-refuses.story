# Call admission control of Lync: the bandwidth policy behind the relay has room for one call. A second one is
# refused before the handset rings; the first one's reservation goes back with its end. What a Lync client refuses
# for the same reason, the handset is told in words.

media relay
media relay admits 1 calls
pool checks bandwidth
lync front end fe1 by ntlm
set media.ice = true
start switch
user 2001 "Nurse Anna"
user 2002 "Nurse Bob"
base A over udp
handset 2001 on A
handset 2002 on A
far end 45123 with ice full
far end 45124 with ice full
far end 45125 lacks bandwidth
expect line 2001 at front end fe1
expect line 2002 at front end fe1
expect log "credentials for the media relay are there"
expect log "the pool's wishes for media are known"

45123 dials 2001
2001 answers
expect 2001 hears 45123
expect 45123 connected by ice over host
expect media relay holds 1 reservations

45124 dials 2002
expect 45124 refused for bandwidth
expect 2002 idle

45123 hangs up
expect 2001 ended
expect media relay holds 0 reservations
45124 dials 2002
2002 answers
expect 2002 hears 45124
expect media relay holds 1 reservations
2002 hangs up
expect 45124 ended
expect media relay holds 0 reservations

2001 dials 45125
expect 2001 refused for bandwidth
expect last call cause.words "the network is busy: too little bandwidth for this call"
expect channels idle
expect media relay empty
