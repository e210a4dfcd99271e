# Users sign in by TLS-DSK: each fetches a certificate from the front end's web services by name and password, shows it
# in a handshake inside of his REGISTERs, and signs by what that derives. All messages of both ends are verified.

patience 60 s
lync front end fe1 by tls-dsk
start switch
user 2001 "Nurse Anna"
user 2002 "Nurse Bob"
base A over udp
handset 2001 on A
handset 2002 on A
expect line 2001 at front end fe1
expect line 2002 at front end fe1
expect 2001 given 1 certificates at front end fe1
2001 calls 2002 20 times
expect channels idle
expect 100 signatures at front end fe1
