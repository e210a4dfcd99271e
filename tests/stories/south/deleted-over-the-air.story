# A subscription is deleted by REST: the handset is told over the air and gives up its access rights. Nobody can call it
# any more, and it can subscribe again.

set dect.ari = "102AF12C"
front end over udp
start switch
user 2001 "Nurse Anna"
far end 7001
native base A
expect native base A in service
subscription window
native handset 2001 near A
expect line 2001 registered
subscription of 2001 is deleted
expect 2001 not subscribed
expect rest GET /subscriptions total 0
7001 dials 2001
expect 7001 refused with 480
2001 subscribes with code 2407
expect 2001 located
7001 dials 2001
2001 answers
expect 2001 hears 7001
2001 hangs up
expect 7001 ended
