# The largest system of one ARI of class B at one switch: 256 base stations and 4,000 handsets enrol, subscribe and are
# located, and forty pairs talk. Then the switch is killed: all base stations come back, and the same pairs talk again.
# How long each took stands in the output. A story that says how long it may take runs alone.

longest 20 min
patience 300 s
set dect.ari = "102AF12C"
start switch
house of 256 native bases
house of 4000 native handsets
expect rest GET /native-base-stations total 256
expect rest GET /subscriptions total 4000
expect rest GET /sync-tree radios.255.alone false
40 pairs of the house talk for 10 s
expect channels idle

kill switch
start switch
expect the house in service
expect rest GET /subscriptions total 4000
40 pairs of the house talk for 3 s
expect channels idle
expect the house without faults
