# A certificate that the front end does not believe, or that is somebody else's, is refused, with the reason. With a
# right one the user is in. Who may not use TLS-DSK is told what is offered.

patience 60 s
lync front end fe1 by tls-dsk
front end fe1 gives certificates of another-authority
start switch
user 2001 "Nurse Anna"
expect line 2001 failed
expect log "The client certificate is not valid"

front end fe1 gives certificates of another-user
user 2002 "Nurse Bob"
expect line 2002 failed
expect log "The client certificate is of somebody@else.test"

front end fe1 gives certificates of right
rest PATCH /users/2001 {"auth_password": "wrong-at-first"}
expect log "name or password is refused"
rest PATCH /users/2001 {"auth_password": "north-secret"}
expect line 2001 at front end fe1

stop switch
set lync.tls_dsk = false
start switch
expect line 2001 failed
expect log "the front end offers Kerberos, TLS-DSK; this switch speaks NTLM here"
