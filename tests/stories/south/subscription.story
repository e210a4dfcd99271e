# With a wrong code a handset is given no access rights, and the right one lets it in: it is located at once.

set dect.ari = "102AF12C"
start switch
user 2001 "Nurse Anna"
native base A
expect native base A in service
stranger bob near A

subscription window with code 2407
bob cannot subscribe with code 1111 because 16
bob subscribes with code 2407
expect bob located
expect rest GET /subscriptions items.0.state located
expect native bases without faults
