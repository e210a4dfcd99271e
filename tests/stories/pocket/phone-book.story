# The phone book and the call log on a native handset: a name is found by its keys and dialled, also beside a call; the
# call log shows who was missed, by the phone book's name where the caller brings none, and calls back. Whoever has
# nobody's handset is told so.

set dect.ari = "102AF12C"
front end over udp
start switch
user 2001 "Nurse Anna"
rest POST /phone-book/entries {"name": "Jörg Müller", "internal": ["7001"]}
rest POST /phone-book/entries {"name": "Dr. Łukasz Kowalski", "internal": ["7002"]}
native base A
expect native base A in service
subscription window with code 2407
native handset 2001 near A
stranger shared near A
shared subscribes with code 2407
expect shared located
far end 7001
far end 7002
expect line 2001 registered

# The caller's name, where the call brings none.
7001 dials 2001
expect 2001 shows "Jorg Muller"
7001 hangs up
expect 2001 idle
expect rest GET /users/2001/calls?limit=1 items.0.kind missed

# Missed, and called back.
2001 dials *51#
expect 2001 shows "Jorg Muller"
expect 2001 shows "1/1 missed"
2001 presses "#"
7001 answers
expect 2001 hears 7001

# Beside that call, by R and the phone book.
2001 presses R*50#
expect 2001 shows "type a name"
2001 presses 585
expect 2001 shows "Dr. Lukasz Kowalski"
2001 presses "#"
7002 answers
expect 2001 hears 7002
2001 presses R4
expect 7001 hears 7002
expect 2001 ended
7001 hangs up
expect 7002 ended

# By its name, from the start.
2001 dials *50#
expect 2001 shows "type a name"
2001 presses 5688
expect 2001 shows "Nobody"
expect 2001 sounds negative
2001 presses RR74
expect 2001 shows "Jorg Muller"
2001 presses "#"
7001 answers
expect 2001 hears 7001
2001 hangs up
expect 7001 ended
expect channels idle

# What belongs to nobody looks nothing up.
shared dials *50#
expect shared shows "linked to no user"
expect shared idle
expect native bases without faults
