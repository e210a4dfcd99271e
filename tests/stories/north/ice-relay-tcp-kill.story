# The switch is killed while a call goes over the media relay by TCP: what was allocated there went with the connection.
# The switch allocates anew as soon as a user has signed in, offers the far end the new way, and both hear each other.

media relay
lync front end fe1 by ntlm
set media.ice = true
start switch
user 2001 "Nurse Anna"
base A over udp
handset 2001 on A
far end 45123 with ice tcp
expect line 2001 at front end fe1
expect log "credentials for the media relay are there"
media relay deaf over udp

2001 dials 45123
45123 answers
expect 45123 connected by ice over relay
expect 2001 hears 45123
expect 45123 hears 2001
expect 2001 talking for 3 s

kill switch
start switch
expect log "the voice of a call has found another way"
expect 2001 hears 45123
expect 45123 hears 2001
expect 45123 connected by ice over relay
45123 hangs up
expect 2001 ended
expect channels idle
expect media relay empty
