# Four thousand users sign in by NTLM, three REGISTERs each, over one connection, at the default pace: it counts
# registrations, so that they are begun within 20 seconds, as those of a trusted server.

patience 240 s
lync front end fe1 by ntlm
start switch
users 10001 to 14000
expect 4000 lines registered
expect 4000 signatures at front end fe1
