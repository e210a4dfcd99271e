# Call forwarding when busy (RFC 5359, 2.8): the handset refuses with 486, and its user's forward is followed to
# the north. Who does not want to be disturbed counts as busy.

front end over udp
start switch
user 2001 "Nurse Anna"
base A
handset 2001 on A
far end +4512345
far end +4567890
expect handset 2001 registered
expect line 2001 registered

rest PUT /users/2001/forwarding {"busy": "+4567890"}
+4512345 dials 2001
2001 rejects with 486
expect +4567890 ringing
+4567890 answers
expect +4512345 hears +4567890
+4512345 hangs up
expect +4567890 ended
expect channels idle

rest PUT /users/2001/forwarding {"busy": "+4567890", "do_not_disturb": true}
+4512345 dials 2001
expect +4567890 ringing
expect 2001 idle
+4567890 rejects with 603
expect channels idle
