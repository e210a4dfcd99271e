# The radio that gives time to all is lost. Its deputy becomes master, who followed the lost one follows the deputy, and
# calls on both go on: nobody misses 20 ms. A base station that heard the lost one alone has no time: it takes no calls
# and lets those it has end. All is as before when the lost one is plugged in again, but for the new master.

patience 60 s
set dect.ari = "102AF12C"
front end over udp
start switch
user 2001 "Nurse Anna"
user 2002 "Doctor Bo"
user 2003 "Doctor Cem"
far end 7001
far end 7002
far end 7003
# The first is master. B and C hear it and each other; D hears the master alone.
native base A at 100 m
expect native base A in service
native base B at 130 m
expect native base B in service
native base C at 155 m
expect native base C in service
native base D at 50 m
expect native base D in service
subscription window
native handset 2001 near B
native handset 2002 near C
native handset 2003 near D
expect line 2001 registered
expect line 2002 registered
expect line 2003 registered
expect rest GET /sync-tree master 0
expect rest GET /sync-tree radios.1.source 0
expect rest GET /sync-tree radios.2.source 0
expect rest GET /sync-tree radios.2.alternatives.0 1
expect rest GET /sync-tree radios.3.source 0
expect rest GET /sync-tree radios.3.without_alternative true
expect loss of native base A master 1
expect loss of native base A cut_off.0 3
7001 dials 2001
2001 answers
expect 2001 hears 7001
expect 7001 hears 2001
7002 dials 2002
2002 answers
expect 2002 hears 7002
expect 7002 hears 2002
7003 dials 2003
2003 answers
expect 2003 hears 7003
2001 and 7001 tell each other numbers
2002 and 7002 tell each other numbers
2003 and 7003 tell each other numbers

native base A dies
expect native base B sync master
expect rest GET /sync-tree master 1
expect native base C sync_source 1
expect native base C sync locked
# D runs free, then has lost its time: its call is kept to its end, and no other one begins.
expect native base D state draining
expect native base D statistics.sync_lost 1
expect native base D connections 1
expect 2001 misses at most 2 numbers at once
expect 7001 misses at most 2 numbers at once
expect 2002 misses at most 2 numbers at once
expect 7002 misses at most 2 numbers at once
expect 2003 misses at most 2 numbers at once
expect 7003 misses at most 2 numbers at once
2003 hangs up
expect 7003 ended
expect native base D off the air
expect native base D state syncing

native base A comes back
expect native base A in service
expect native base A state operational
expect native base A sync_source 1
expect native base D in service
expect native base D state operational
expect rest GET /sync-tree master 1
expect rest GET /sync-tree radios.3.source 0
7003 dials 2003
2003 answers
expect 2003 hears 7003
expect 7003 hears 2003
expect 2001 misses at most 2 numbers at once
expect 7002 misses at most 2 numbers at once
2001 hangs up
expect 7001 ended
2002 hangs up
expect 7002 ended
2003 hangs up
expect 7003 ended
expect channels idle
