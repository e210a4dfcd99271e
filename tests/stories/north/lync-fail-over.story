# The first front end hangs: within 30 seconds its users sit at the second. It wakes: they come back.
# It dies: they go at once.

patience 30 s
lync front end fe1 by ntlm
lync front end fe2 by ntlm
set lync.return_after = 5
start switch
user 2001 "Nurse Anna"
user 2002 "Nurse Bob"
expect line 2001 at front end fe1
expect line 2002 at front end fe1

front end fe1 hangs
expect line 2001 at front end fe2
expect line 2002 at front end fe2

patience 60 s
front end fe1 wakes
expect line 2001 at front end fe1
expect line 2002 at front end fe1

patience 5 s
front end fe1 dies
expect line 2001 at front end fe2
expect line 2002 at front end fe2
