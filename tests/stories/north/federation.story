# A user of a partner, behind the relays of two Edges: his address is shown whole, whoever calls, and he is called
# by it.

media relay
pool federated with partner.example
lync front end fe1 by ntlm
set media.ice = true
start switch
user 2001 "Nurse Anna"
base A over udp
handset 2001 on A
federated far end bob of partner.example speaking relayed
expect line 2001 at front end fe1
expect log "credentials for the media relay are there"

bob dials 2001
expect 2001 called by bob
2001 answers
expect bob connected by ice over relay
expect 2001 hears bob
expect bob hears 2001
expect rest GET /calls?state=active items.0.caller.uri sip:bob@partner.example
bob hangs up
expect 2001 ended

2001 dials bob@partner.example
bob answers
expect bob connected by ice over relay
expect 2001 hears bob
expect bob hears 2001
expect rest GET /calls?state=active items.0.callee.uri sip:bob@partner.example
2001 hangs up
expect bob ended
expect channels idle
expect media relay empty
