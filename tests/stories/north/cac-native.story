# A native handset reads why its call was refused, and the whole address of a partner who calls.

set dect.ari = "102AF12C"
pool federated with partner.example
lync front end fe1 by ntlm
start switch
user 2001 "Nurse Anna"
native base A
expect native base A in service
subscription window
native handset 2001 near A
far end 45125 lacks bandwidth
federated far end bob of partner.example
expect line 2001 at front end fe1

2001 dials 45125
expect 2001 shows "the network is busy"
expect 2001 idle
expect last call cause.status 488

bob dials 2001
expect 2001 ringing
expect 2001 shows bob@partner.example
2001 answers
expect 2001 hears bob
bob hangs up
expect 2001 ended
expect channels idle
expect native bases without faults
