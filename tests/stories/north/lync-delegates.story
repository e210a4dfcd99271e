# Nurse Bob is Doctor Anna's delegate, as she set it in her Lync client: he calls in her name, and the called see both.
# Nurse Eve is not, by anybody's word, until an administrator says so; the front end has the last word. Anna's private
# line rings in spite of her forward and of do not disturb.

lync front end fe1 by ntlm
set dialling.allowed = ["internal", "local", "national", "international"]
start switch
user 2001 "Anna"
user 2002 "Bob"
user 2003 "Eve"
base A over udp
handset 2001 on A
handset 2002 on A
handset 2003 on A
far end 45123
expect line 2001 at front end fe1
expect line 2002 at front end fe1
expect line 2003 at front end fe1

# Refused by the switch, then allowed by the manager herself.
2002 dials *58*2001*2003#
expect 2002 refused with 403
delegates of 2001 at front end fe1 are 2002
expect rest GET /users/2001/lines lync_delegates ["2002@hospital.test"]
2002 dials *58*2001*2003#
expect 2003 ringing
expect 2003 called by 2002
expect 2003 shows name "Bob > 2001"
2003 answers
expect 2002 hears 2003
2003 hangs up
expect 2002 ended

# Allowed by the administrator, and not by the manager: the front end refuses.
rest PUT /users/2003/lines {"managers": ["2001"]}
2003 dials *58*2001*45123#
expect 2003 refused with 403

# The private line, at the front end and of the switch alone.
private line +19995552901 of 2001 at front end fe1
rest PUT /users/2001/lines {"private_number": "2902"}
expect rest GET /users/2001/lines lync_private_number "+19995552901"
rest PUT /users/2001/forwarding {"always": "2003", "do_not_disturb": true}
expect front end fe1 forwarding 2001 to 2003
2002 dials 2901
expect 2001 ringing
expect 2001 shows name "Bob > Private line"
2001 answers
expect 2002 hears 2001
2002 hangs up
expect 2001 ended
2002 dials 2902
expect 2001 ringing
expect 2001 shows name "Bob > Private line"
2001 answers
expect 2002 hears 2001
2001 hangs up
expect 2002 ended
expect channels idle
