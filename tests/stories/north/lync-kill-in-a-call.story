# The switch is killed in a call. It signs in anew, the call still stands, and its end is signed by new keys.

lync front end fe1 by ntlm
start switch
user 2001 "Nurse Anna"
base A over udp
handset 2001 on A
far end 45123
expect line 2001 at front end fe1

2001 dials 45123
45123 answers
expect 2001 hears 45123
expect 2001 talking for 3 s

kill switch
start switch
expect line 2001 at front end fe1
expect 2001 hears 45123
expect 45123 hears 2001
2001 hangs up
expect 45123 ended
expect channels idle
expect 4 signatures at front end fe1
