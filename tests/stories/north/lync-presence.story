# What others see of Nurse Anna: away until she touches the handset, in a call from dialling to the end, available
# after it, then inactive. The machine's state changes at most three times in three minutes; calls are shown at once.
# The pool's dial plan makes a number of the town out of seven digits.

lync front end fe1 by ntlm
set lync.inactive_after = 10
set dialling.allowed = ["internal", "local", "national", "international"]
start switch
user 2001 "Nurse Anna"
base A over udp
handset 2001 on A
far end +19994512345
expect line 2001 at front end fe1
expect 2001 shown away at front end fe1
expect log "the pool's dial plan is in use"

2001 dials 4512345
expect 2001 shown in-a-call at front end fe1
+19994512345 answers
expect 2001 talking
expect 2001 shown in-a-call at front end fe1
2001 hangs up
expect 2001 shown available at front end fe1
expect 2001 shown inactive at front end fe1

# Who is called is in a call from answering on.
+19994512345 dials 2001
expect 2001 ringing
expect 2001 shown inactive at front end fe1
2001 answers
expect 2001 shown in-a-call at front end fe1
+19994512345 hangs up
expect 2001 shown inactive at front end fe1
expect 1 signatures at front end fe1
