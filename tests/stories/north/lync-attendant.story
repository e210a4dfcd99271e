# A Lync user connects its calls: REFER with Replaces, with handsets as transferee and target, and the Lync Attendant
# for a caller from outside. Who transferred is told to the new end. 2001 is a native handset, 2002
# and 2003 are on a SIP-DECT base, 45100 is the Attendant, 45991 is in the PSTN.

patience 40 s
set dect.ari = "102AF12C"
lync front end fe1 by ntlm
start switch
user 2001 "Nurse Anna"
user 2002 "Nurse Bert"
user 2003 "Doctor Carl"
base S
handset 2002 on S
handset 2003 on S
native base A
expect native base A in service
subscription window
native handset 2001 near A
far end 45100
far end 45991 behind gateway at 0f0f0f0f-402f-4b3b-86e2-2bd96252a23c
expect line 2001 at front end fe1
expect line 2002 at front end fe1
expect line 2003 at front end fe1
expect handset 2002 registered
expect handset 2003 registered

# It has called both.
45100 dials 2001
2001 answers
expect 2001 hears 45100
45100 holds by inactive
45100 dials 2002
2002 answers
expect 45100 talking with 2002
45100 transfers 2001 to 2002
expect 2001 hears 2002
expect 2002 hears 2001
expect 2001 shows "Nurse Bert"
2001 hangs up
expect 2002 ended
expect channels idle

# One of them has called it.
2002 dials 45100
45100 answers
expect 2002 hears 45100
45100 dials 2003
2003 answers
expect 45100 talking with 2003
45100 transfers 2002 to 2003
expect 2002 hears 2003
expect 2003 hears 2002
2003 hangs up
expect 2002 ended
expect channels idle

# A caller from outside comes to the Attendant by a handset, and goes on from there to another one.
45991 dials 2002
2002 answers
expect 2002 hears 45991
2002 transfers to 45100
expect 45100 referred by 2002
45100 answers
expect 45100 hears 45991
45100 transfers to 2003
2003 answers
expect 45100 ended
expect 2003 hears 45991
expect 45991 hears 2003
2003 hangs up
expect 45991 ended
expect channels idle
