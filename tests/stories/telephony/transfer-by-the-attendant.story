# The attendant in the north transfers: the handset is transferee, another far end the target, and nobody of the
# house has to do anything. Then a far end transfers to a handset, which is the target.

front end over udp
start switch
user 2001 "Nurse Anna"
user 2002 "Doctor Bo"
base A
handset 2001 on A
handset 2002 on A
far end attendant
far end +4512345
expect handset 2001 registered
expect handset 2002 registered
expect line 2001 registered
expect line 2002 registered

attendant dials 2001
2001 answers
expect attendant hears 2001
attendant transfers to +4512345
expect +4512345 ringing
+4512345 answers
expect attendant ended
expect +4512345 hears 2001
expect 2001 hears +4512345
+4512345 transfers to 2002
expect 2002 ringing
2002 answers
expect +4512345 ended
expect 2001 hears 2002
expect 2002 hears 2001
2001 hangs up
expect 2002 ended
expect channels idle
