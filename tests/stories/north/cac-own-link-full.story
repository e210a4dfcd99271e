# A branch hangs on a link for one call. The second one is refused with words, whoever calls; when the first ends,
# there is room again. kill -9 loses no count.

front end over udp
set admission.links = ["branch 127.0.0.11/32 calls=1", "roof 127.0.0.12/32 kbit=500"]
start switch
user 2001 "Nurse Anna"
user 2002 "Nurse Bob"
user 2003 "Nurse Carol"
base A over udp
base B over udp
handset 2001 on A
handset 2002 on A
handset 2003 on B
far end 45123
far end 45124
expect line 2001 registered
expect line 2002 registered
expect line 2003 registered

2001 dials 45123
45123 answers
expect 2001 hears 45123
expect link branch with 1 calls
expect link roof with 0 calls

2002 dials 45124
expect 2002 refused for bandwidth
expect last call cause.status 488
45124 dials 2002
expect 45124 refused for bandwidth
2003 dials 45124
45124 answers
expect 2003 hears 45124
expect link roof with 1 calls
2003 hangs up
expect link roof with 0 calls

kill switch
start switch
expect 2001 hears 45123
expect link branch with 1 calls
45124 dials 2002
expect 45124 refused for bandwidth

45123 hangs up
expect 2001 ended
expect link branch with 0 calls
2002 dials 45124
45124 answers
expect 2002 hears 45124
2002 hangs up
expect 45124 ended
expect channels idle
expect link branch with 0 calls
