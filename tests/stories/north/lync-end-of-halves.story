# Two handsets talk by way of a front end, so the switch has two halves of that call. The front end dies: they talk on,
# and when one hangs up the other half is told, though the second front end does not know the dialog.

patience 30 s
lync front end fe1 by ntlm
lync front end fe2 by ntlm
start switch
user 2001 "Nurse Anna"
user 2002 "Nurse Bob"
base A over udp
handset 2001 on A
handset 2002 on A
expect line 2001 at front end fe1
expect line 2002 at front end fe1

2001 dials 2002
2002 answers
expect 2001 hears 2002
front end fe1 dies
expect line 2001 at front end fe2
expect line 2002 at front end fe2
expect 2002 hears 2001
2001 hangs up
expect 2002 ended
expect channels idle

# By a front end that lives the end comes at once, and from it.
2002 dials 2001
2001 answers
expect 2002 hears 2001
2001 hangs up
expect 2002 ended
expect channels idle
expect metric ipdect_halves_ended_total 1
