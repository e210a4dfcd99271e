# A forward is one in Lync and at the handset: what the user sets by code, REST or in his Lync client stands on both
# sides. The front end executes it for the calls that come by it, the switch for those inside when the north is lost,
# and nobody twice. A loop is refused.

lync front end fe1 by ntlm
start switch
user 2001 "Nurse Anna"
user 2002 "Nurse Bob"
user 2003 "Nurse Eve"
base A over udp
handset 2001 on A
handset 2002 on A
handset 2003 on A
expect line 2001 at front end fe1
expect line 2002 at front end fe1
expect line 2003 at front end fe1

# By code: published, and the front end sends the call on. Nobody rings twice.
2001 dials *21*2003#
expect front end fe1 forwarding 2001 to 2003
expect rest GET /users/2001/lines forwarded_by_lync true
expect 2001 idle
2002 dials 2001
expect 2003 ringing
expect 2003 shows name "Nurse Bob > 2001"
2003 answers
expect 2002 hears 2003
expect rest GET /users/2001/calls?kind=missed total 0
2003 hangs up
expect 2002 ended

# In the Lync client: after five seconds to another one. The switch shows it, and does not do it too.
lync client of 2001 at front end fe1 forwards to 2003 after 5 s
expect rest GET /users/2001/forwarding no_answer "2003"
expect rest GET /users/2001/forwarding no_answer_seconds 5
expect rest GET /users/2001/forwarding always null
2002 dials 2001
expect 2001 ringing
expect 2003 ringing
expect 2001 cancelled
2003 answers
expect 2002 hears 2003
2002 hangs up
expect 2003 ended
expect rest GET /users/2003/calls?kind=received total 2

# A loop: the front end refuses it.
2003 dials *21*2001#
expect front end fe1 forwarding 2003 to 2001
expect 2003 idle
lync client of 2001 at front end fe1 forwards to 2003
expect rest GET /users/2001/forwarding always "2003"
2002 dials 2001
expect 2002 refused with 482

# Taken back by REST, with the front end gone the switch does what the user wants.
rest PUT /users/2003/forwarding {}
expect front end fe1 not forwarding 2003
front end fe1 dies
expect line 2002 failed
2002 dials 2001
expect 2003 ringing
2003 answers
expect 2002 hears 2003
2003 hangs up
expect 2002 ended
expect channels idle
