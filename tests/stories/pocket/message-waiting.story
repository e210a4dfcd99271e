# A plain registrar tells of messages in the mailbox (RFC 3842): the switch subscribes in the user's name, and a native
# handset shows how many are new, more when more come, and none when they were heard.

set dect.ari = "102AF12C"
voice mail of 2001 holds 2 new and 1 old
front end over udp
start switch
native base A
expect native base A in service
subscription window
user 2001 "Nurse Anna"
native handset 2001 near A
expect line 2001 registered
expect 2001 told of 2 messages
expect 2001 shows "2 new messages"
voice mail of 2001 holds 3 new and 1 old
expect 2001 told of 3 messages
expect rest GET /users/2001/message-waiting old 1
voice mail of 2001 holds 0 new and 4 old
expect 2001 told of 0 messages
expect native bases without faults
