# The plug of a base station is pulled in a call. The call ends at the far end, its channels are free, and calls on
# the other base station go on.

set dect.ari = "102AF12C"
front end over udp
start switch
user 2001 "Nurse Anna"
user 2002 "Doctor Bo"
far end 7001
far end 7002
native base A
expect native base A in service
native base B at 400 m
subscription window
native handset 2001 near A
expect line 2001 registered
7001 dials 2001
2001 answers
expect 2001 hears 7001
native base A dies
patience 60 s
expect 7001 ended
expect channels idle
expect rest GET /native-base-stations/0013d1000001 statistics.abnormal 1
