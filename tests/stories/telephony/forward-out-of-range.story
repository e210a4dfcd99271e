# Forward out of range, with Lync: a native handset is switched off, and its calls go to a Lync user, to the PSTN and to
# another handset, from each kind of caller. Whoever is not asked does not ring.

patience 40 s
set dect.ari = "102AF12C"
lync front end fe1 by ntlm
start switch
user 2001 "Nurse Anna"
user 2002 "Nurse Bert"
base S
handset 2002 on S
native base A
expect native base A in service
subscription window
native handset 2001 near A
far end 45123
far end 45991 behind gateway at 0f0f0f0f-402f-4b3b-86e2-2bd96252a23c
expect line 2001 at front end fe1
expect line 2002 at front end fe1
expect handset 2002 registered
native base A dies
expect rest GET /native-base-stations items.0.state down

rest PUT /users/2001/forwarding {"out_of_range": "45123"}
45991 dials 2001
expect 45123 ringing
45123 answers
expect 45991 hears 45123
expect 45123 hears 45991
45991 hangs up
expect 45123 ended

rest PUT /users/2001/forwarding {"out_of_range": "45991"}
2002 dials 2001
expect 45991 ringing
45991 answers
expect 2002 hears 45991
2002 hangs up
expect 45991 ended

rest PUT /users/2001/forwarding {"out_of_range": "2002"}
45123 dials 2001
expect 2002 ringing
2002 answers
expect 45123 hears 2002
expect 2002 hears 45123
45123 hangs up
expect 2002 ended
expect channels idle
