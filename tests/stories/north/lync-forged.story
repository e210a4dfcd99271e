# Somebody who has not the keys speaks on the front end's connection: he is not obeyed, and the connection is cut. Its
# users sign in anew, and a call that stands goes on.

lync front end fe1 by ntlm
start switch
user 2001 "Nurse Anna"
user 2002 "Nurse Bob"
base A over udp
handset 2001 on A
far end 45123 answers after 0 s
expect line 2001 at front end fe1
expect line 2002 at front end fe1
2001 dials 45123
expect 2001 talking

front end fe1 forges a sign-out of 2001
expect metric ipdect_lync_untrusted_total 1
expect line 2001 at front end fe1
expect line 2002 at front end fe1
expect 2001 hears 45123
expect 45123 hears 2001
2001 hangs up
expect 45123 ended
expect channels idle
2001 dials 45123
expect 2001 talking
expect 2001 hears 45123
2001 hangs up
expect channels idle
