# The largest system of one ARI of class B at one switch: 256 base stations and 4,000 handsets enrol, subscribe and are
# located, and twenty pairs talk. Then the switch is killed: all base stations come back, and ten pairs talk again.
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
20 pairs of the house talk for 5 s
expect channels idle
expect the house without faults

# A killed switch says no farewell, which its base stations take ill; so faults are asked for before.
kill switch
start switch
expect the house in service
expect rest GET /subscriptions total 4000
10 pairs of the house talk for 3 s
expect channels idle
