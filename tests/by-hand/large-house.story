# The largest system of one ARI of class B at one switch: 256 base stations, 4,000 handsets, forty pairs that talk. It
# takes minutes, so it is run by hand: target/debug/kirkwall-lab story tests/by-hand/large-house.story

patience 600 s
set dect.ari = "102AF12C"
start switch
house of 256 native bases
house of 4000 native handsets
expect rest GET /native-base-stations total 256
expect rest GET /subscriptions total 4000
expect rest GET /sync-tree radios.255.alone false
40 pairs of the house talk for 10 s
expect channels idle
expect the house without faults
