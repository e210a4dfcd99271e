# Eleven calls fit on a base station. The twelfth is refused as busy, and when one of the eleven has ended there is
# room again.

set dect.ari = "102AF12C"
set capacity.media_channels = 32
set media.srtp = "off"
front end over udp
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
user 2008 "User 8"
far end 7008 answers after 0 s
native handset 2008 near A
user 2009 "User 9"
far end 7009 answers after 0 s
native handset 2009 near A
user 2010 "User 10"
far end 7010 answers after 0 s
native handset 2010 near A
user 2011 "User 11"
far end 7011 answers after 0 s
native handset 2011 near A
user 2012 "User 12"
far end 7012 answers after 0 s
native handset 2012 near A
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
expect line 2007 registered
2007 dials 7007
expect line 2008 registered
2008 dials 7008
expect line 2009 registered
2009 dials 7009
expect line 2010 registered
2010 dials 7010
expect line 2011 registered
2011 dials 7011
expect 2001 talking
expect 2002 talking
expect 2003 talking
expect 2004 talking
expect 2005 talking
expect 2006 talking
expect 2007 talking
expect 2008 talking
expect 2009 talking
expect 2010 talking
expect 2011 talking
2012 dials 7012
expect 2012 refused with 51
expect native base A busy_for_speech true
expect native base A statistics.blocked.new.full 1
expect 2011 hears 7011
2001 hangs up
expect 7001 ended
expect native base A busy_for_speech false
expect native base A busy false
2012 dials 7012
expect 2012 hears 7012
expect 7012 hears 2012
