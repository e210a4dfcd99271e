# Four thousand users sign in by NTLM, three REGISTERs each, over one connection. The pace counts REGISTERs, so it is
# set to what they need to be in within 30 seconds.

patience 240 s
lync front end fe1 by ntlm
set sip.registrations_per_second = 600
start switch
users 10001 to 14000
expect 4000 lines registered
expect 4000 signatures at front end fe1
