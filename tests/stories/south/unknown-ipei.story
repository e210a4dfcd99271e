# A window lets in only the handsets of a list. Another one is refused and shown; a claim links it to a user, and then
# it comes in.

set dect.ari = "102AF12C"
start switch
user 2001 "Nurse Anna"
native base A
expect native base A in service
stranger bob near A

rest PUT /subscription-window {"code": "2407", "seconds": "600", "only": ["00012 0000137 9"]}
bob cannot subscribe with code 2407 because 5
expect rest GET /subscription-window unknown.0.ipei 02984 0000001 7
rest POST /subscription-window/claims {"ipei": "02984 0000001 7", "user": "2001"}
bob subscribes with code 2407
expect bob located
expect rest GET /subscriptions items.0.user "2001"
expect native bases without faults
