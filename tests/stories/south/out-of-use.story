# An administrator lets a base station drain: its call is handed over, its handsets call through the other one. Then it
# is taken out of use, and put back. What was wished for outlives a restart of the switch.

patience 60 s
set dect.ari = "102AF12C"
front end over udp
start switch
user 2001 "Nurse Anna"
far end 7001
native base A
expect native base A in service
native base B at 60 m
expect native base B in service
subscription window
native handset 2001 near B
expect line 2001 registered
7001 dials 2001
2001 answers
expect 2001 hears 7001

native base B is draining
expect native base B state draining
expect native base B duty draining
expect 2001 on A
expect 2001 handed over 1 times
expect 2001 hears 7001
expect 7001 hears 2001
expect native base B connections 0
2001 hangs up
expect 7001 ended
2001 dials 7001
7001 answers
expect 2001 hears 7001
expect native base A channels.plain 1
2001 hangs up
expect 7001 ended

native base B is in_use
expect native base B state operational
native base B is out_of_use
expect native base B refused with 11
expect native base B state refused
stop switch
start switch
expect native base A state operational
expect native base B state refused
expect native base B duty out_of_use
native base B is in_use
expect native base B in service
expect native base B state operational
expect channels idle
