# The last channel of a base station is kept for who comes over in a call, and for who calls for help. A new call is
# refused as busy while it is free; the call that walks in gets it.

patience 60 s
set dect.ari = "102AF12C"
set dect.handover_reserve = 1
set capacity.base_channels = 2
front end over udp
start switch
user 2001 "Nurse Anna"
user 2002 "Doctor Bo"
user 2003 "Doctor Cem"
far end 7001
far end 7002
far end 7003
native base A
expect native base A in service
native base B at 60 m
expect native base B in service
subscription window
native handset 2001 near A
native handset 2002 near B
native handset 2003 near B
expect line 2001 registered
expect line 2002 registered
expect line 2003 registered
7001 dials 2001
2001 answers
expect 2001 hears 7001
expect 7001 hears 2001
7002 dials 2002
2002 answers
expect 2002 hears 7002
expect native base B channels.plain 1

2003 dials 7003
expect 2003 refused with 51
expect native base B statistics.blocked.new.reserved 1
expect native base B channels.plain 1

2001 and 7001 tell each other numbers
2001 walks to B
expect 2001 on B
expect 2001 handed over 1 times
expect native base B statistics.handovers_in.done 1
expect native base B channels.plain 2
expect 2001 misses at most 2 numbers at once
expect 7001 misses at most 2 numbers at once

# Both channels are in use: now a new call is refused because all are.
2003 dials 7003
expect 2003 refused with 51
expect native base B statistics.blocked.new.full 1
2001 hangs up
expect 7001 ended
2002 hangs up
expect 7002 ended
2003 dials 7003
7003 answers
expect 2003 hears 7003
expect 7003 hears 2003
2003 hangs up
expect 7003 ended
expect channels idle
expect native bases without faults
