# Where calls may go another way: who finds the link to the front end full, and whom the other end tells to try the
# PSTN, is put through over the gateway. Callers of the north are told the same.

gateway over tcp
front end over udp
set admission.links = ["branch 127.0.0.11/32 calls=1", "north 127.0.0.1/32 calls=1"]
start switch
user 2001 "Nurse Anna"
user 2002 "Nurse Bob"
user 2003 "Nurse Carol"
base A over udp
base B over udp
handset 2001 on A
handset 2002 on B
handset 2003 on A
far end 45123
far end 45125 lacks bandwidth and goes by pstn
far end 45126
gateway user 45125
gateway user 45127
expect line 2001 registered
expect line 2002 registered
expect line 2003 registered

2002 dials 45125
pstn-45125 answers
expect 2002 hears pstn-45125
expect pstn-45125 hears 2002
2002 hangs up
expect pstn-45125 ended

2001 dials 45123
45123 answers
expect 2001 hears 45123
expect link north with 1 calls
2002 dials 45127
pstn-45127 answers
expect 2002 hears pstn-45127
expect pstn-45127 hears 2002
2002 hangs up
expect pstn-45127 ended
45126 dials 2003
expect 45126 refused for bandwidth by pstn
45123 hangs up
expect 2001 ended
expect channels idle
