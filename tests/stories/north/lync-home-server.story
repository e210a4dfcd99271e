# The first front end sends one user home: a new connection, a new association, and his calls go there.

lync front end fe2 by ntlm
lync front end fe1 by ntlm sending 2001 home to fe2
start switch
user 2001 "Nurse Anna"
user 2002 "Nurse Bob"
base A over udp
handset 2001 on A
far end 45123 answers after 0 s
expect line 2001 at front end fe2
expect line 2002 at front end fe1
2001 dials 45123
expect 2001 talking
2001 hangs up
expect 45123 ended
expect 6 signatures at front end fe2
