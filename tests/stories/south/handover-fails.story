# A handset that does not arrive at the next base station stays where it was, and so does one for which that has no
# channel. Nobody at the far end notices; the channel that was booked goes back.

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
subscription window
native handset 2001 near A
native handset 2002 near B
expect line 2001 registered
expect line 2002 registered
7001 dials 2001
2001 answers
expect 2001 hears 7001
expect 7001 hears 2001

native base B fails handovers
2001 walks to B
expect 2001 failed handovers 1
expect native base B statistics.handovers_in.failed 1
expect native base A statistics.handovers_out.failed 1
expect native base A channels.plain 1
expect native base B channels.plain 0
expect 2001 hears 7001
expect 7001 hears 2001
2001 walks to A
expect 2001 on A
native base B takes handovers

7002 dials 2002
2002 answers
expect 2002 hears 7002
expect native base B busy_for_speech true
2001 walks to B
expect native base B statistics.blocked.handover.full 1
expect 2001 hears 7001
expect 7001 hears 2001
2002 hangs up
expect 7002 ended
expect 2001 on B
expect native base B statistics.handovers_in.done 1
expect native base A channels.plain 0
expect 2001 hears 7001
expect 7001 hears 2001
expect 7001 misses at most 1
2001 hangs up
expect 7001 ended
expect channels idle
