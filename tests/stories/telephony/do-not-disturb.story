# A feature code sets do not disturb and takes it back: the caller is told busy, then it rings.

front end over udp
start switch
user 2001 "Nurse Anna"
base A
handset 2001 on A
far end +4512345
expect handset 2001 registered
expect line 2001 registered

2001 dials *26#
expect 2001 ended
expect rest GET /users/2001/forwarding do_not_disturb true
+4512345 dials 2001
expect +4512345 refused with 486
2001 dials "#26#"
expect 2001 ended
expect rest GET /users/2001/forwarding do_not_disturb false
+4512345 dials 2001
2001 answers
expect 2001 hears +4512345
2001 hangs up
expect channels idle
