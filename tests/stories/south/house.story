# A house of two dozen native base stations and three hundred handsets at one switch: all enrol, subscribe and are
# located, and twenty pairs talk. tests/by-hand/large-house.story is the same with 256 and 4,000.

patience 120 s
set dect.ari = "102AF12C"
start switch
house of 24 native bases
house of 300 native handsets
expect rest GET /native-base-stations total 24
expect rest GET /subscriptions total 300
expect rest GET /sync-tree radios.23.alone false
20 pairs of the house talk for 3 s
expect channels idle
expect the house without faults
