# What is counted at a base station: calls that were blocked and why, handovers both ways, those that failed and those
# that took more than 150 ms, connections that were lost in a call, and how loud handsets are.

patience 60 s
set dect.ari = "102AF12C"
set capacity.base_channels = 1
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
native base C at 90 m
expect native base C in service
subscription window
native handset 2001 near A
native handset 2002 near A
expect line 2001 registered
expect line 2002 registered
# Three metres of a radio are -31 dBm by the law of the emulated air.
expect native base A statistics.rssi_max -31
expect native base A statistics.rssi_min -31
expect native base A statistics.abnormal 0
7001 dials 2001
2001 answers
expect 2001 hears 7001
2002 dials 7002
expect 2002 refused with 51
expect native base A statistics.blocked.new.full 1
expect native base A statistics.channels_max 1

native base B takes 300 ms for a handover
2001 walks to B
expect 2001 on B
expect native base B statistics.handovers_in.tried 1
expect native base B statistics.handovers_in.done 1
expect native base B statistics.handovers_in.slow 1
expect native base B statistics.handovers_in.failed 0
expect native base A statistics.handovers_out.slow 1
expect 2001 hears 7001
expect 7001 hears 2001

# Its plug is pulled in the call, which goes on elsewhere; then nobody is left to take it.
native base A dies
native base B dies
expect 2001 on C
expect native base C statistics.handovers_in.done 1
expect native base C statistics.abnormal 0
expect 2001 hears 7001
native base C dies
expect 7001 ended
expect rest GET /native-base-stations/0013d1000003 statistics.abnormal 1
expect rest GET /native-base-stations/0013d1000001 statistics.abnormal 0
expect channels idle
