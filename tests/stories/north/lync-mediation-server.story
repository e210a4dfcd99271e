# The PSTN through Lync's mediation server as the far end of what people do in a call: keys, hold from either side
# (`a=inactive` from the Lync side), call waiting with a Lync user beside it, transfers, forwards. 2001 is a native
# handset, 2002 is on a SIP-DECT base, 45991 and 45992 are in the PSTN, 45123 is a Lync user.

patience 40 s
set dect.ari = "102AF12C"
lync front end fe1 by ntlm
start switch
user 2001 "Nurse Anna"
user 2002 "Nurse Bert"
base S
handset 2002 on S
handset 2002 has 2 lines
native base A
expect native base A in service
subscription window
native handset 2001 near A
far end 45991 behind gateway at 0f0f0f0f-402f-4b3b-86e2-2bd96252a23c
far end 45992 behind gateway at 0f0f0f0f-402f-4b3b-86e2-2bd96252a23c
far end 45123
expect line 2001 at front end fe1
expect line 2002 at front end fe1
expect handset 2002 registered

# The handset calls: keys, hold, and a Lync user who waits meanwhile.
2001 dials 45991
45991 answers
expect 2001 hears 45991
expect 45991 hears 2001
2001 presses 42#
expect 45991 hears keys 42#
2001 presses R
expect 45991 held
2001 presses R
expect 45991 not held
expect 45991 hears 2001
45123 dials 2001
expect 2001 sounds call-waiting
2001 presses R2
expect 45123 talking
expect 2001 hears 45123
expect 45991 held
2001 presses R2
expect 2001 hears 45991
expect 45123 held
# Attended, by keys: the Lync user and the PSTN talk with each other.
2001 presses R4
expect 2001 ended
expect 45123 hears 45991
expect 45991 hears 45123
45123 hangs up
expect 45991 ended
expect channels idle

# The handset is called: held by the mediation server, a second call of the PSTN waits.
45991 dials 2002
2002 answers
expect 2002 hears 45991
45991 holds by inactive
expect 2002 held
45991 resumes
expect 2002 not held
expect 2002 hears 45991
2002 holds by inactive
expect 45991 held
2002 resumes
expect 45991 hears 2002
45992 dials 2002
expect 2002 ringing
2002 rejects with 486
expect 45992 refused with 486
# Blind, to a native handset, and Referred-By says by whom.
2002 transfers to 2001
expect 2001 ringing
2001 answers
expect 2002 transfer told 200
expect 2001 hears 45991
2001 hangs up
expect 45991 ended
2002 dials 45991
45991 answers
2002 transfers to 45992
expect 45992 ringing
expect 45992 referred by 2002
45992 answers
expect 45991 hears 45992
45991 hangs up
expect 45992 ended
expect channels idle
