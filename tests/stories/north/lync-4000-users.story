# Four thousand users of a trusted server sign in over one connection, at no more than 200 a second.

patience 240 s
lync front end fe1 by trust
start switch
users 10001 to 14000
expect 4000 lines registered
