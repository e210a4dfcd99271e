# A call that goes from one branch to the other takes its place on the links with it.

front end over udp
set admission.links = ["branch 127.0.0.11/32 calls=2", "roof 127.0.0.12/32 calls=2"]
start switch
user 2001 "Nurse Anna"
user 2003 "Nurse Carol"
base A over udp
base B over udp
handset 2001 on A
handset 2003 on B
far end 45123
expect line 2001 registered
expect line 2003 registered

45123 dials 2001
2001 answers
expect 2001 hears 45123
expect link branch with 1 calls
2001 transfers to 2003
2003 answers
expect 2003 hears 45123
expect link branch with 0 calls
expect link roof with 1 calls
45123 hangs up
expect 2003 ended
expect link roof with 0 calls

2001 dials 2003
2003 answers
expect 2003 hears 2001
expect link branch with 1 calls
expect link roof with 1 calls
2003 hangs up
expect 2001 ended
expect link branch with 0 calls
expect link roof with 0 calls
expect channels idle
