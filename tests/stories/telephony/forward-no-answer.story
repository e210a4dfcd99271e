# Call forwarding without answer (RFC 5359, 2.9), after five seconds.

front end over udp
start switch
user 2001 "Nurse Anna"
base A
handset 2001 on A
far end +4512345
far end +4567890
expect handset 2001 registered
expect line 2001 registered

rest PUT /users/2001/forwarding {"no_answer": "+4567890", "no_answer_seconds": 5}
+4512345 dials 2001
expect 2001 ringing
expect 2001 cancelled
expect +4567890 ringing
+4567890 answers
expect +4512345 hears +4567890
+4567890 hangs up
expect +4512345 ended
expect channels idle
