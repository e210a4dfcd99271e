# The same with `media.sdes_lifetime` and `media.sdes_mki` off: our own offers have neither, their answers as they
# like, and offers of the others are answered as they were made.

lync front end fe1 by ntlm
set media.sdes_lifetime = false
set media.sdes_mki = false
start switch
user 2001 "Nurse Anna"
base A over udp
handset 2001 on A
far end 45001 with keys bare
far end 45002 with keys lifetime
far end 45003 with keys mki
far end 45004 with keys lync
expect line 2001 at front end fe1

45001 dials 2001
2001 answers
expect 2001 hears 45001
expect 45001 hears 2001
2001 hangs up
expect 45001 ended
2001 dials 45001
45001 answers
expect 2001 hears 45001
expect 45001 hears 2001
45001 hangs up
expect 2001 ended

45002 dials 2001
2001 answers
expect 2001 hears 45002
expect 45002 hears 2001
2001 hangs up
expect 45002 ended
2001 dials 45002
45002 answers
expect 2001 hears 45002
expect 45002 hears 2001
45002 hangs up
expect 2001 ended

45003 dials 2001
2001 answers
expect 2001 hears 45003
expect 45003 hears 2001
2001 hangs up
expect 45003 ended
2001 dials 45003
45003 answers
expect 2001 hears 45003
expect 45003 hears 2001
45003 hangs up
expect 2001 ended

45004 dials 2001
2001 answers
expect 2001 hears 45004
expect 45004 hears 2001
2001 hangs up
expect 45004 ended
2001 dials 45004
45004 answers
expect 2001 hears 45004
expect 45004 hears 2001
45004 hangs up
expect 2001 ended
expect channels idle
