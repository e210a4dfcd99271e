# A group's call shows who calls and for whom, as far as the display goes; so does a call to somebody
# whose delegate the user is. A private call rings whatever the user has set.

front end over tcp
start switch
user 2001 "Nurse Anna"
base A
handset 2001 on A
expect handset 2001 registered
expect line 2001 registered

far end 7001 called Sales calling with P-Asserted-Identity: "Weber" <sip:7555@hospital.test>, <tel:+4989555>
7001 dials 2001
expect 2001 ringing
expect 2001 called by 7555
expect 2001 shows name "Weber > Sales"
7001 hangs up
expect 2001 cancelled

far end 7002 called "Dr. Alexandra Weber" calling with History-Info: Front desk <sip:7000@hospital.test>;index=1, <sip:2001@hospital.test>;index=1.1
7002 dials 2001
expect 2001 ringing
expect 2001 called by 7002
expect 2001 shows name "Dr. Alexandra Weber > Front desk"
7002 hangs up
expect 2001 cancelled

far end 7003 called Weber calling with Ms-Sensitivity: private-no-diversion
far end 7004
rest PUT /users/2001/forwarding {"do_not_disturb": true}
7004 dials 2001
expect 7004 refused with 486
7003 dials 2001
expect 2001 ringing
expect 2001 shows name "Weber > Private line"
2001 answers
expect 2001 hears 7003
2001 hangs up
expect 7003 ended
