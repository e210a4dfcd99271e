# Lync tells of messages in the mailbox with the user's own data. A native handset shows how many are new, before
# and after kill -9, and no longer when somebody puts the lamp out.

set dect.ari = "102AF12C"
voice mail of 2001 holds 3 new and 2 old
lync front end fe1 by trust
start switch
native base A
expect native base A in service
subscription window
user 2001 "Nurse Anna"
native handset 2001 near A
expect 2001 located
expect line 2001 registered
expect 2001 told of 3 messages

rest DELETE /users/2001/message-waiting
expect 2001 told of 0 messages
rest PUT /users/2001/message-waiting {"new": 5}
expect 2001 told of 5 messages
