/** What went wrong, stable for programs; the message is for people. */
export type ScepErrorCode =
  /** The bytes are no SCEP message that a reply could be addressed to. */
  | 'scep.undecodable'
  /** The pkcsPKIEnvelope is no CMS EnvelopedData. */
  | 'scep.undecodable_envelope'
  /** The content of a CertPoll, GetCert or GetCRL is not what belongs there. */
  | 'scep.undecodable_query'
  /** The bytes are no degenerate SignedData. */
  | 'scep.undecodable_certificates'
  /** A caller asked for something that cannot be encoded, for example an envelope for an EC key. */
  | 'scep.bad_argument'
  /** An algorithm that this package does not speak. */
  | 'scep.unsupported_algorithm'
  /** The server's answer is not a readable reply. */
  | 'scep.bad_reply'
  /** The reply's signature does not verify. */
  | 'scep.reply_signature'
  /** The reply is signed by a certificate that is not acceptable. */
  | 'scep.reply_signer'
  /** The reply is not a CertRep. */
  | 'scep.reply_message_type'
  /** The reply belongs to another transaction. */
  | 'scep.reply_transaction'
  /** The reply does not answer this request: its recipientNonce differs from the request's senderNonce. */
  | 'scep.reply_nonce'
  /** The reply's envelope does not open to certificates. */
  | 'scep.reply_envelope'
  /** A successful reply does not have the certificate that was asked for. */
  | 'scep.reply_certificate'
  /** A successful reply does not have the CRL that was asked for, or the CA did not sign it. */
  | 'scep.reply_crl'
  /** The server answered with an HTTP status other than 200. */
  | 'scep.http_status'
  /** The server's answer is larger than the client accepts. */
  | 'scep.too_large'
  /** No connection, or it broke. */
  | 'scep.network'
  /** The server did not answer in time. */
  | 'scep.timeout'
  /** The caller aborted the operation. */
  | 'scep.aborted'
  /** GetCACert gave no usable CA certificate. */
  | 'scep.ca_certificates';

/**
 * The one error class of this package.
 *
 * @example
 * try { decodePkiMessage(body) } catch (error) {
 *   if (error instanceof ScepError && error.code === 'scep.undecodable') return badRequest();
 *   throw error;
 * }
 */
export class ScepError extends Error {
  override readonly name = 'ScepError';
  readonly code: ScepErrorCode;

  constructor(code: ScepErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** Runs a decoder and turns whatever it throws into a ScepError of one code, keeping the cause. */
export const decoding = <T>(code: ScepErrorCode, what: string, decode: () => T): T => {
  try {
    return decode();
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown reason';
    throw new ScepError(code, `${what} cannot be decoded: ${reason}`, { cause: error });
  }
};
