# What a Lync user does in a call with a handset, and a handset with a Lync user: hold by a=inactive from either side,
# transfers of each kind with the Lync user as transferor, transferee and target. 2001 is a native handset, 2002 and
# 2003 are on a SIP-DECT base.

set dect.ari = "102AF12C"
lync front end fe1 by ntlm
start switch
user 2001 "Nurse Anna"
user 2002 "Nurse Bert"
user 2003 "Doctor Carl"
base S
handset 2002 on S
handset 2002 has 2 lines
handset 2003 on S
native base A
expect native base A in service
subscription window
native handset 2001 near A
far end 45123
far end 45124
expect line 2001 at front end fe1
expect line 2002 at front end fe1
expect line 2003 at front end fe1
expect handset 2002 registered
expect handset 2003 registered

# Hold, by the handset and by the Lync user.
45123 dials 2001
2001 answers
expect 2001 hears 45123
2001 presses R
expect 45123 held
2001 presses R
expect 45123 not held
45123 holds by inactive
45123 resumes
expect 2001 hears 45123
expect 45123 hears 2001

# The Lync user transfers the native handset to a handset on SIP-DECT: transferor in the north.
45123 transfers to 2003
2003 answers
expect 45123 ended
expect 2001 hears 2003
expect 2003 hears 2001
2001 hangs up
expect 2003 ended
expect channels idle

# The handset transfers a Lync user to another one: transferee and target in the north.
2002 dials 45123
45123 answers
expect 2002 hears 45123
2002 transfers to 45124
expect 45124 ringing
45124 answers
expect 2002 transfer told 200
expect 45123 hears 45124
expect 45124 hears 45123
45124 hangs up
expect 45123 ended
expect channels idle

# Attended, by the handset, with a Lync user and a native handset.
45123 dials 2002
2002 answers
expect 2002 hears 45123
2002 holds
expect 45123 held
2002 dials 2001
2001 answers
expect 2002 talking with 2001
2002 transfers 45123 to 2001
expect 2002 transfer told 200
expect 2001 hears 45123
expect 45123 hears 2001
45123 hangs up
expect 2001 ended
expect channels idle
expect native bases without faults
