# Comfort noise (RFC 3389) goes both ways between a Lync end and a handset that takes it; where the handset does not,
# the voice goes on all the same.

lync front end fe1 by ntlm
start switch
user 2001 "Nurse Anna"
user 2002 "Nurse Bob"
base A over udp with comfort noise
base B over udp
handset 2001 on A
handset 2002 on B
far end 45123 with comfort noise
expect line 2001 at front end fe1
expect line 2002 at front end fe1

45123 dials 2001
2001 answers
expect 2001 hears 45123
expect 45123 hears 2001
expect 2001 hears comfort noise
expect 45123 hears comfort noise
2001 hangs up
expect 45123 ended

2001 dials 45123
45123 answers
expect 2001 hears comfort noise
expect 45123 hears comfort noise
45123 hangs up
expect 2001 ended

45123 dials 2002
2002 answers
expect 2002 hears 45123
expect 45123 hears 2002
2002 hangs up
expect 45123 ended
expect channels idle
