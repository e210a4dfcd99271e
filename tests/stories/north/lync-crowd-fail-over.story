# Two front ends, a thousand users, twenty calls. The first hangs: everybody is missed within 30 seconds and sits at
# the second, at no more than 200 sign-ins a second. It wakes, and all who do not talk come back. It dies: they go at
# once. The calls that stand keep their voices through all of it.

lync front end fe1 by trust
lync front end fe2 by trust
set lync.return_after = 5
start switch
users 10001 to 11000
base A over udp
base B over udp
base C over udp
base D over udp
base E over udp
patience 60 s
expect 1000 lines at front end fe1
handsets 10001 to 10008 on A
handsets 10009 to 10016 on B
handsets 10017 to 10024 on C
handsets 10025 to 10032 on D
handsets 10033 to 10040 on E
handsets 10001 to 10040 call each other
expect handsets 10001 to 10040 hear each other

patience 45 s
front end fe1 hangs
expect 1000 lines at front end fe2
expect handsets 10001 to 10040 hear each other

patience 90 s
front end fe1 wakes
expect 960 lines at front end fe1

patience 15 s
front end fe1 dies
expect 1000 lines at front end fe2
expect handsets 10001 to 10040 hear each other
expect handsets 10001 to 10040 gaps below 1 s

# Nobody passes on the end of a call whose front end is dead, so each hangs up.
patience 60 s
handsets 10001 to 10040 hang up
expect channels idle
