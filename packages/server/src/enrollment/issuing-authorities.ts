/** The CAs that issue: one after the other, and for the time of a rollover two beside each other. */
import type { Certificate, PublicKeyInfo } from '@scepter/x509';

/** A CA as far as issuing needs to know it. The key is in the crypto workers. */
export interface IssuingAuthority {
  /** SHA-256 of the certificate, upper-case hex. */
  readonly id: string;
  /** 1, 2, and so on: it tells where the CA's CRL and certificate are found. */
  readonly generation: number;
  readonly certificate: Certificate;
}

/** May name other CAs from one call to the next: a rollover happens while requests are in work. */
export interface IssuingAuthorities {
  /**
   * The CA that answers a request with a certificate. RFC 8894 5.1: whom a request is encrypted to decides it, the
   * current CA or the next one; a former one issues no more, and the current one does instead.
   *
   * An enrollment asks once, and keeps the answer to its end.
   *
   * @param addressed the CA whose RA the request was encrypted to
   */
  issuerFor(addressed: string): IssuingAuthority;
  /** Those that may be asked for by name: the current one first. */
  readonly all: readonly IssuingAuthority[];
  /** The keys of all CAs and RAs: nobody else may have them certified. */
  forbiddenKeys(): readonly PublicKeyInfo[];
}
