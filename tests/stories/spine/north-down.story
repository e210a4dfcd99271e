# While the registrar in the north is away, handsets still call each other: the switch routes inside.
# A call to the outside is refused with a reason.

front end over tcp
stop front end
start switch
user 2001 "Nurse Anna"
user 2002 "Nurse Bea"
base A over udp
base B over tcp model snom-m700
handset 2001 on A
handset 2002 on B
expect handset 2001 registered
expect handset 2002 registered
expect line 2001 failed

2001 dials 2002
expect 2002 called by 2001
2002 answers
expect 2001 talking
expect 2001 hears 2002
expect 2002 hears 2001
2002 hangs up
expect 2001 ended
2001 dials +4512345
expect 2001 refused with 503
expect channels idle
