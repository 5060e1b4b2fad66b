/**
 * A well-formed certificate request (PKCS #10, RFC 2986) for `CN=scepter-check`, RSA 2048, with a valid signature and
 * without attributes, hence without a challenge: Intune can only refuse it. Base64 of its DER. It was made once with
 *
 *     openssl req -new -newkey rsa:2048 -nodes -keyout /dev/null -subj /CN=scepter-check -outform DER
 *
 * and its private key was never stored.
 */
export const requestWithoutChallenge = [
  'MIICXTCCAUUCAQAwGDEWMBQGA1UEAwwNc2NlcHRlci1jaGVjazCCASIwDQYJKoZIhvcNAQEBBQADggEPADCCAQoCggEBAI0+zpqT',
  'P/WYbHaJoyj5JZDJI+yyphgbBCGkGlyRrH3zadO1Uq2GtXDCameDeTnEEQV6Shmv/mSc5/7NQyg2h92aOB7X3koSt9WCTX15da84',
  'Me31puyh9tzA6X5K1fUKTF26CgFYH/XDrbQ+d/3rgl/wxq5wThrPA4DMQK6KNel8Ac9eGTQ5HVg0e7EkZE+CM3z5FHVfZQpgdFxX',
  'UkXCIgEMhULCv/LVcLlv8Q8UoML4YOGuJXxYvs4ZAka5+MHnvZ4QV49NI6zjVzX/nJWdTl/cTxMG7JsyZkvrWzVUMCVl/e1CkSwp',
  '9UgpUix+DfoqvL7zuJXjKEyz6MFIeT/7EEMCAwEAAaAAMA0GCSqGSIb3DQEBCwUAA4IBAQAG7QowCgOmsvpr3BPx/RDpl5fvX0z/',
  'YAln3Ny+GcmJ7yr1nZnLR4ZojY1JEttKQwU2fnoYMuD+Nm2x5R/iB9D/Qevag6XC2F5/2Lg1un1Kf8IvfFiAlZdqsIh4xWA7cxRS',
  'YXilC3MuObshblMhN07jEOdyLvpqLRO66NKN3tM15x33ru0k3pSqpY1rxWFvgsqw/uLy2OWkeVgy8OWMi51YvILXsP6nKl7tOmJy',
  'WJOgbmklPBVfBhaj0wdsq8nChQ0zwwFs+qJGECMgsYG/fGfSM5g0X98ZjZnwsv0Gsb2MXghd+t1W1EJ/i/RS7Zg+FNkey7roOxyC',
  'hTPMS0F5mNS6',
].join('');
