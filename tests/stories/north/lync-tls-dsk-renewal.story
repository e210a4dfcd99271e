# A certificate that ends is fetched anew before it does, and the user stays signed in.

patience 90 s
lync front end fe1 by tls-dsk
front end fe1 gives certificates for 30 s
start switch
user 2001 "Nurse Anna"
expect line 2001 at front end fe1
expect 2001 given 2 certificates at front end fe1
expect line 2001 at front end fe1
expect 4 signatures at front end fe1
