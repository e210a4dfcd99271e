# A firewall lets no UDP through to the media relay of the pool's Edge, from neither side: calls go over it by TCP,
# encrypted and both ways, whoever calls; after the first one UDP is not waited for any more.

media relay
lync front end fe1 by ntlm
set media.ice = true
set media.srtp = "optional"
start switch
user 2001 "Nurse Anna"
base A over udp
handset 2001 on A
far end 45123 with ice tcp
expect line 2001 at front end fe1
expect log "credentials for the media relay are there"
media relay deaf over udp

2001 dials 45123
45123 answers
expect 45123 connected by ice over relay
expect 2001 hears 45123
expect 45123 hears 2001
expect media relay carried 100 packets
expect log "the media relay is left alone for 300 s"
45123 hangs up
expect 2001 ended
expect channels idle
expect media relay empty

45123 dials 2001
2001 answers
expect 45123 connected by ice over relay
expect 2001 hears 45123
expect 45123 hears 2001
expect media relay carried 200 packets
2001 hangs up
expect 45123 ended
expect channels idle
expect media relay empty
