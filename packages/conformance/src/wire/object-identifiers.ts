/**
 * What CMS and SCEP call things on the wire, written down here once more, from RFC 5652 and RFC 8894 and not from
 * `@scepter/scep`: a probe that shared the tables of a server could not find an error in them.
 */
export const wireOid = {
  data: '1.2.840.113549.1.7.1',
  signedData: '1.2.840.113549.1.7.2',
  envelopedData: '1.2.840.113549.1.7.3',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingTime: '1.2.840.113549.1.9.5',
  rsaesOaep: '1.2.840.113549.1.1.7',
  desCbc: '1.3.14.3.2.7',
  desEde3Cbc: '1.2.840.113549.3.7',
  aes128Cbc: '2.16.840.1.101.3.4.1.2',
  aes256Cbc: '2.16.840.1.101.3.4.1.42',
  // RFC 8894 section 3.2.1, table 1
  messageType: '2.16.840.1.113733.1.9.2',
  pkiStatus: '2.16.840.1.113733.1.9.3',
  failInfo: '2.16.840.1.113733.1.9.4',
  senderNonce: '2.16.840.1.113733.1.9.5',
  recipientNonce: '2.16.840.1.113733.1.9.6',
  transactionId: '2.16.840.1.113733.1.9.7',
  failInfoText: '1.3.6.1.5.5.7.24.1',
} as const;

/** RFC 8894 section 3.2.1.2. */
export const messageTypes = {
  CertRep: '3',
  RenewalReq: '17',
  PKCSReq: '19',
  CertPoll: '20',
  GetCert: '21',
  GetCRL: '22',
} as const;

/** RFC 8894 section 3.2.1.3, by number. */
export const pkiStatuses: Readonly<Record<string, 'SUCCESS' | 'FAILURE' | 'PENDING'>> = {
  '0': 'SUCCESS',
  '2': 'FAILURE',
  '3': 'PENDING',
};

/** RFC 8894 section 3.2.1.4, by number. */
export const failInfos: Readonly<Record<string, string>> = {
  '0': 'badAlg',
  '1': 'badMessageCheck',
  '2': 'badRequest',
  '3': 'badTime',
  '4': 'badCertId',
};
