# Two calls of a handset become a conference of the pool by the code; REST has it among the rooms, and the handset's
# display says how many are there. An administrator mutes somebody by REST: the pool's focus does it.

set dect.ari = "102AF12C"
lync front end fe1 by ntlm
start switch
user 2001 "Nurse Anna"
far end 45123
far end 45124
native base A
expect native base A in service
subscription window
native handset 2001 near A
expect line 2001 at front end fe1

2001 dials 45123
45123 answers
expect 2001 hears 45123
2001 presses R45124#
45124 answers
expect 2001 hears 45124
2001 presses *3
expect conference of 2001 has 2001 connected
45123 answers
45124 answers
expect conference of 2001 with 3
expect 2001 hears both 45123 and 45124
expect 45123 hears both 2001 and 45124
expect rest GET /rooms items.0.kind pool
expect 2001 shows (3)
45123 is muted by rest in conference of 2001
expect conference of 2001 has 45123 muted
expect conference of 2001 hears not 45123
45123 is unmuted by rest in conference of 2001
expect conference of 2001 hears 45123
2001 hangs up
expect channels idle
