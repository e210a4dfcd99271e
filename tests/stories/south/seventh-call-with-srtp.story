# With SRTP between switch and base station six calls fit on it, and the seventh is refused. When one of the six has
# ended there is room again.

set dect.ari = "102AF12C"
set capacity.media_channels = 32
set media.srtp = "required"
set media.srtp_south = "required"
front end over tls with srtp required
start switch
native base A
expect native base A in service
subscription window
user 2001 "User 1"
far end 7001 answers after 0 s
native handset 2001 near A
user 2002 "User 2"
far end 7002 answers after 0 s
native handset 2002 near A
user 2003 "User 3"
far end 7003 answers after 0 s
native handset 2003 near A
user 2004 "User 4"
far end 7004 answers after 0 s
native handset 2004 near A
user 2005 "User 5"
far end 7005 answers after 0 s
native handset 2005 near A
user 2006 "User 6"
far end 7006 answers after 0 s
native handset 2006 near A
user 2007 "User 7"
far end 7007 answers after 0 s
native handset 2007 near A
expect line 2001 registered
2001 dials 7001
expect line 2002 registered
2002 dials 7002
expect line 2003 registered
2003 dials 7003
expect line 2004 registered
2004 dials 7004
expect line 2005 registered
2005 dials 7005
expect line 2006 registered
2006 dials 7006
expect 2001 talking
expect 2002 talking
expect 2003 talking
expect 2004 talking
expect 2005 talking
expect 2006 talking
2007 dials 7007
expect 2007 refused with 51
expect 2006 hears 7006
expect 7006 hears 2006
2001 hangs up
expect 7001 ended
2007 dials 7007
expect 2007 hears 7007
expect 7007 hears 2007
