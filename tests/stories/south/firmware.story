# Base stations below PCS08 are refused and say why, and so are media resources below PCS08B; so is one without a token
# or a certificate. Base stations below PCS12A and media resources below PCS12 are let in, and their firmware should be
# newer. Those beside them that may come in do not notice.

set dect.ari = "102AF12C"
start switch
native base old firmware PCS07__
native base older firmware PCS12__
native base new firmware PCS12A_
native media resource M1 firmware PCS08A_
native media resource M2 firmware PCS08B_
native media resource M3 firmware PCS12__
unproved native base nobody
expect native base old refused with 2
expect native base nobody refused with 4
expect native base M1 refused with 2
expect native base M1 state refused
expect native base M1 refused "firmware too old"
expect native base M2 state operational
expect native base M2 upgrade_recommended true
expect native base M3 state operational
expect native base M3 upgrade_recommended false
expect native base older in service
expect native base older upgrade_recommended true
expect native base new in service
expect native base new upgrade_recommended false
