# A second house, whose base stations hear each other and none of the first well enough, is a cluster of its own: it has
# its own master, carries calls and hands them over inside. A call that walks out into the other house is not handed
# over there, since that keeps another time; handsets are located in either and call each other.

patience 60 s
set sip.internal_routing = "first"
set dect.ari = "102AF12C"
start switch
user 2001 "Nurse Anna"
user 2002 "Doctor Bo"
native bases look around every 2 s
native base A
expect native base A in service
native base B at 59 m
expect native base B in service
native base D at 217 m
expect native base D in service
native base C at 151 m
expect native base C in service
expect native base C sync_source 2
expect native base D state operational
expect rest GET /sync-tree clusters.0.master 0
expect rest GET /sync-tree clusters.0.radios [0,1]
expect rest GET /sync-tree clusters.1.master 2
expect rest GET /sync-tree clusters.1.deputy 3
expect rest GET /sync-tree clusters.1.radios [2,3]
expect loss of native base D master 3
expect loss of native base A master 1
subscription window
native handset 2001 near D
native handset 2002 near A
expect 2001 located
expect 2002 located

# From one house into the other: nobody is handed over there. Inside they are.
2001 dials 2002
2002 answers
expect 2001 hears 2002
expect 2002 hears 2001
expect native base A channels.plain 1
expect native base D channels.plain 1
2001 walks to C
expect 2001 on C
expect 2001 handed over 1 times
expect native base C statistics.handovers_in.done 1
2001 walks to B
expect at least 1 statistics.blocked.handover.not_synced at native base B
expect native base C connections 1
expect native base B statistics.handovers_in.tried 0
expect 2001 hears 2002
2002 walks to B
expect 2002 on B
expect native base B statistics.handovers_in.done 1

expect 2001 hears 2002
expect 2002 hears 2001
2002 hangs up
expect 2001 ended
expect channels idle
