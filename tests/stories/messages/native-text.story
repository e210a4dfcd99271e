# Texts on native handsets: one that is switched off gets its text when it is back, also over kill -9; one that
# is there shows it at once, long ones whole. What its user writes reaches a SIP handset, another native one and
# comes back; to nobody it is refused.

set dect.ari = "102AF12C"
front end over udp
start switch
user 5001 "Nurse Anna"
user 5002 "Nurse Bert"
user 2003 "Nurse Cleo"
native base N1
expect native base N1 in service
subscription window
native handset 5001 near N1 as anna
base A
handset 2003 on A
expect handset 2003 registered

rest POST /messages {"text": "Keys are at the desk", "to": ["5001"]}
expect anna text "Keys are at the desk"
expect anna shows "Keys are at the desk"
expect rest GET /messages items.0.state delivered

rest POST /messages {"text": "Bed 7 needs a drip, bed 8 wants to go home, bed 9 has lost the remote control of the television again, bed 10 has visitors until nine, bed 11 is empty and may be given away, and the lift in the east wing is out of order until Thursday, so please take the stairs or the one at the other end.", "to": ["5001"]}
expect anna text "Bed 7 needs a drip, bed 8 wants to go home, bed 9 has lost the remote control of the television again, bed 10 has visitors until nine, bed 11 is empty and may be given away, and the lift in the east wing is out of order until Thursday, so please take the stairs or the one at the other end."

anna writes "On my way" to 2003
expect anna texts taken 1
expect rest GET /messages items.0.text "On my way"
expect rest GET /messages items.0.from "5001"
expect rest GET /messages items.0.state delivered

rest POST /messages {"text": "Thank you", "from": "2003", "to": ["5001"]}
expect anna text "Thank you"

anna writes "Who has the keys?" to 5002
expect anna texts taken 2
expect rest GET /messages items.0.state waiting
kill switch
start switch
expect native base N1 in service
subscription window
native handset 5002 near N1 as bert
expect bert text "Who has the keys?"
expect rest GET /messages items.0.state delivered

bert writes "I do" to 5001
expect anna text "I do"
