# A base station hears the others no more and loses its time. It takes no new calls; the one on it is handed over, and
# one that cannot go elsewhere is kept to its end. It comes back when it hears the others again.

patience 60 s
set dect.ari = "102AF12C"
front end over udp
start switch
user 2001 "Nurse Anna"
user 2002 "Doctor Bo"
far end 7001
far end 7002
native base A
expect native base A in service
native base B at 60 m
expect native base B in service
subscription window
native handset 2001 near B
expect line 2001 registered
expect rest GET /sync-tree master 0
expect rest GET /sync-tree deputy 1
expect rest GET /sync-tree radios.1.source 0
expect loss of native base A master 1
7001 dials 2001
2001 answers
expect 2001 hears 7001
expect 7001 hears 2001

native base B goes deaf
expect native base B statistics.sync_lost 1
expect 2001 on A
expect 2001 handed over 1 times
expect native base B connections 0
expect native base B state syncing
expect native base B busy false
expect 2001 hears 7001
expect 7001 hears 2001
expect 7001 misses at most 1
2001 hangs up
expect 7001 ended

native base B hears again
expect native base B state operational
expect native base B sync locked
2001 walks to B
expect 2001 on B
7001 dials 2001
2001 answers
expect 2001 hears 7001
expect native base B channels.plain 1

# Nobody else is heard there: the call is kept.
native base A dies
native base B goes deaf
expect native base B state draining
expect native base B connections 1
expect 2001 hears 7001
expect 7001 hears 2001
2001 hangs up
expect 7001 ended
expect native base B state syncing
expect channels idle
