# `media.rfc3489` by `/config/set`, as scripts for older servers switch it: the next call takes it, and it outlives a
# crash, over what the file says.

lync front end fe1 by ntlm
set media.ice = true
start switch
user 2001 "Nurse Anna"
base A over udp
handset 2001 on A
far end 45123 with ice rfc3489
expect line 2001 at front end fe1
expect setting media.rfc3489 is false by configuration

# Off: the border controller is not checked with.
2001 dials 45123
45123 answers
expect 2001 hears 45123
expect 45123 hears 2001
expect 45123 not checked by ice
expect 2001 talking for 3 s
expect 45123 not checked by ice
2001 hangs up
expect 45123 ended
expect channels idle

script sets sip.media.rfc3489 to true
expect setting media.rfc3489 is true by run_time
2001 dials 45123
45123 answers
expect 45123 connected by ice over host
expect 2001 hears 45123
expect 45123 hears 2001
2001 hangs up
expect 45123 ended
expect channels idle

kill switch
start switch
expect setting media.rfc3489 is true by run_time
expect line 2001 at front end fe1
45123 dials 2001
2001 answers
expect 45123 connected by ice over host
expect 2001 hears 45123
expect 45123 hears 2001
45123 hangs up
expect 2001 ended
expect channels idle

script sets sip.media.rfc3489 to false
2001 dials 45123
45123 answers
expect 2001 hears 45123
expect 45123 hears 2001
expect 45123 not checked by ice
expect 2001 talking for 3 s
expect 45123 not checked by ice
2001 hangs up
expect 45123 ended
expect channels idle
