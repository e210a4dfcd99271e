# Media bypass: to and from a gateway at the switch's own place voice goes straight, without ICE; to a gateway
# elsewhere it goes by the mediation server's own description.

pool at place c61755ed-402f-4b3b-86e2-2bd96252a23c
lync front end fe1 by ntlm
set media.ice = true
start switch
user 2001 "Nurse Anna"
base A over udp
handset 2001 on A
far end 45123 behind gateway at c61755ed-402f-4b3b-86e2-2bd96252a23c
far end 45124 behind gateway at 0f0f0f0f-402f-4b3b-86e2-2bd96252a23c
expect line 2001 at front end fe1
expect log "the pool's wishes for media are known"

2001 dials 45123
45123 answers
expect 2001 hears 45123
expect 45123 hears 2001
expect 45123 not checked by ice
expect metric ipdect_media_bypassed_total 1
2001 hangs up
expect 45123 ended

45123 dials 2001
2001 answers
expect 2001 hears 45123
expect 45123 hears 2001
expect 45123 not checked by ice
expect metric ipdect_media_bypassed_total 2
45123 hangs up
expect 2001 ended

2001 dials 45124
45124 answers
expect 45124 connected by ice over host
expect 2001 hears 45124
2001 hangs up
expect 45124 ended

45124 dials 2001
2001 answers
expect 45124 connected by ice over host
expect 2001 hears 45124
45124 hangs up
expect 2001 ended
expect metric ipdect_media_bypassed_total 2
expect channels idle
