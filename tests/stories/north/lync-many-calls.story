# More than a thousand messages, all signed, both ways: two handsets call each other over the front end again and
# again.

patience 120 s
lync front end fe1 by ntlm
start switch
user 2001 "Nurse Anna"
user 2002 "Nurse Bob"
base A over udp
handset 2001 on A
handset 2002 on A
expect line 2001 at front end fe1
expect line 2002 at front end fe1
2001 calls 2002 100 times
expect channels idle
expect 600 signatures at front end fe1
