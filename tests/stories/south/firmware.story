# Base stations below PCS08 are refused and say why; so is one without a token or a certificate. One beside them
# that may come in does not notice.

set dect.ari = "102AF12C"
start switch
native base old firmware PCS07__
native base new firmware PCS12A_
unproved native base nobody
expect native base old refused with 2
expect native base nobody refused with 4
expect native base new in service
