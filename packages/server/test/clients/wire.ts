/** What RFC 5652 and RFC 8894 call things on the wire, written down apart from the product. */
export const cms = {
  data: '1.2.840.113549.1.7.1',
  signedData: '1.2.840.113549.1.7.2',
  envelopedData: '1.2.840.113549.1.7.3',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingTime: '1.2.840.113549.1.9.5',
  rsaesOaep: '1.2.840.113549.1.1.7',
  pSpecified: '1.2.840.113549.1.1.9',
} as const;

/** RFC 8894 section 3.2.1, table 1. */
export const scep = {
  messageType: '2.16.840.1.113733.1.9.2',
  pkiStatus: '2.16.840.1.113733.1.9.3',
  failInfo: '2.16.840.1.113733.1.9.4',
  senderNonce: '2.16.840.1.113733.1.9.5',
  recipientNonce: '2.16.840.1.113733.1.9.6',
  transactionId: '2.16.840.1.113733.1.9.7',
} as const;

/** RFC 8894 section 3.2.1.2, table 2. */
export const messageType = { renewalReq: '17', pkcsReq: '19', certPoll: '20', getCert: '21', getCrl: '22' } as const;

/** RFC 8894 section 3.2.1.4, table 4. */
export const failInfo = { badAlg: '0', badMessageCheck: '1', badRequest: '2', badTime: '3', badCertId: '4' } as const;

export interface CipherOnTheWire {
  readonly oid: string;
  readonly keyBytes: number;
  readonly blockBytes: number;
  /** What node:crypto calls it; single DES is triple DES with one key three times. */
  readonly nodeName: string;
  readonly keyCopies: number;
}

export const ciphers = {
  des: { oid: '1.3.14.3.2.7', keyBytes: 8, blockBytes: 8, nodeName: 'des-ede3-cbc', keyCopies: 3 },
  des3: { oid: '1.2.840.113549.3.7', keyBytes: 24, blockBytes: 8, nodeName: 'des-ede3-cbc', keyCopies: 1 },
  aes128: { oid: '2.16.840.1.101.3.4.1.2', keyBytes: 16, blockBytes: 16, nodeName: 'aes-128-cbc', keyCopies: 1 },
  aes256: { oid: '2.16.840.1.101.3.4.1.42', keyBytes: 32, blockBytes: 16, nodeName: 'aes-256-cbc', keyCopies: 1 },
} as const satisfies Record<string, CipherOnTheWire>;

export type CipherName = keyof typeof ciphers;
