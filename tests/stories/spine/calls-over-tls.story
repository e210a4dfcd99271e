# A handset over TLS and a far end behind a registrar over TLS call each other.
# Both hear, either ends, and nothing stays behind.

front end over tls
start switch
user 2001 "Nurse Anna"
base A over tls
handset 2001 on A
far end +4512345
expect handset 2001 registered
expect line 2001 registered

2001 dials +4512345
expect +4512345 called by 2001
expect 2001 ringing
+4512345 answers
expect 2001 talking
expect 2001 hears +4512345
expect +4512345 hears 2001
2001 hangs up
expect +4512345 ended
expect channels idle

+4512345 dials 2001
expect +4512345 ringing
2001 answers
expect +4512345 talking
expect +4512345 hears 2001
expect 2001 hears +4512345
+4512345 hangs up
expect 2001 ended
expect last call cause.status 200
expect channels idle
