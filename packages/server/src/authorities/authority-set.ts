/** The generations of the issuing CA as they stand at one moment, and what each of them is asked for. */
import type { Authority, Generation, StoredHierarchy } from '@scepter/ca';
import { createNextCaCertificates, encodeCertsOnly } from '@scepter/scep';
import { decodeCertificate, thumbprint } from '@scepter/x509';
import type { Certificate, PublicKeyInfo } from '@scepter/x509';
import type { IssuingAuthorities, IssuingAuthority } from '../enrollment/issuing-authorities.ts';
import type { StoredAuthority } from '../store/store.ts';
import type { AuthorityKeys, WorkerKeys } from '../workers/jobs.ts';

/**
 * What GetCACert answers: the RA's certificate and the chain up to the root, or without the root, or the CA's alone.
 * Clients take the first certificate that decrypts, which is why the RA comes first.
 */
export type CaCertificatesShape = 'chain' | 'issuer' | 'single';

/** One generation. */
export interface ServedAuthority extends IssuingAuthority {
  readonly state: StoredAuthority['state'];
  readonly stored: StoredAuthority;
  readonly registration: Certificate;
  /** Undefined where there is no RA. */
  readonly registrationNotAfter: Date | undefined;
  /** There is no RA: messages are encrypted to the CA itself. */
  readonly decryptsItself: boolean;
  readonly keys: AuthorityKeys;
}

export interface CaCertificatesAnswer {
  readonly contentType: string;
  readonly body: Uint8Array;
}

export class AuthoritySet implements IssuingAuthorities {
  /** The keys. */
  readonly hierarchy: StoredHierarchy;
  readonly root: Certificate;
  readonly current: ServedAuthority;
  /** Staged, and not activated yet. */
  readonly next: ServedAuthority | undefined;
  /** The current one first, then the others in the order of the generations. */
  readonly all: readonly [ServedAuthority, ...ServedAuthority[]];
  /** The answer to GetNextCACert while a CA is staged: signed once, because anybody may ask. */
  readonly nextCaCertificates: Uint8Array | undefined;
  readonly #forbiddenKeys: readonly PublicKeyInfo[];
  readonly #caCertificates: ReadonlyMap<CaCertificatesShape, CaCertificatesAnswer>;

  /** @throws Error unless `hierarchy` and `stored` are of one CA */
  constructor(hierarchy: StoredHierarchy, stored: readonly StoredAuthority[]) {
    this.hierarchy = hierarchy;
    this.root = decodeCertificate(hierarchy.root.certificate);
    const served = stored.map((authority) => serve(authority, hierarchy.generations));
    const current = served.find(({ state }) => state === 'current');
    if (current === undefined) throw new Error('No CA is current.');
    this.current = current;
    this.all = [current, ...served.filter((authority) => authority !== current)];
    this.next = this.all.find(({ state }) => state === 'next');
    this.nextCaCertificates = this.next && nextAnswer(this.next, current, this.root);
    this.#forbiddenKeys = [this.root, ...this.all.flatMap(certificatesOf)].map(({ publicKey }) => publicKey);
    this.#caCertificates = caCertificatesAnswers(current, this.root);
  }

  issuerFor(addressed: string): ServedAuthority {
    return this.next?.id === addressed ? this.next : this.current;
  }

  forbiddenKeys(): readonly PublicKeyInfo[] {
    return this.#forbiddenKeys;
  }

  /**
   * The answer to GetCACert: the same bytes each time. Where no shape is asked for, it is `chain` with an RA, and `single`
   * without one: Apple's clients take a list of certificates for the sign that there is an RA.
   */
  caCertificates(shape: CaCertificatesShape | undefined): CaCertificatesAnswer {
    const answer = this.#caCertificates.get(shape ?? (this.current.decryptsItself ? 'single' : 'chain'));
    if (answer === undefined) throw new Error(`No answer to GetCACert in the shape ${shape}.`);
    return answer;
  }

  ofGeneration(generation: number): ServedAuthority | undefined {
    return this.all.find((authority) => authority.generation === generation);
  }

  workerKeys(): WorkerKeys {
    const [current, ...others] = this.all;
    return { authorities: [current.keys, ...others.map(({ keys }) => keys)] };
  }
}

function serve(stored: StoredAuthority, generations: readonly Generation[]): ServedAuthority {
  const generation = generations.find(({ number }) => number === stored.generation);
  if (generation === undefined || fingerprintOf(generation.issuing) !== stored.id) {
    throw new Error(`Generation ${stored.generation} is not there.`);
  }
  const { issuing, registration, formerRegistrations } = generation;
  const decryptsItself = registration === issuing;
  const registrationCertificate = decodeCertificate(registration.certificate);
  return {
    id: stored.id,
    generation: stored.generation,
    state: stored.state,
    stored,
    certificate: decodeCertificate(issuing.certificate),
    registration: registrationCertificate,
    registrationNotAfter: decryptsItself ? undefined : registrationCertificate.notAfter,
    decryptsItself,
    keys: { id: stored.id, issuing, registrations: [registration, ...formerRegistrations] },
  };
}

/** What identifies a generation in the database: SHA-256 of the CA's certificate, upper-case hex. */
export function fingerprintOf({ certificate }: Pick<Authority, 'certificate'>): string {
  return thumbprint(certificate, 'sha256');
}

function certificatesOf({ certificate, keys }: ServedAuthority): Certificate[] {
  return [certificate, ...keys.registrations.map((registration) => decodeCertificate(registration.certificate))];
}

/** RFC 8894 4.7.1: signed by the current CA's own key, which is what a client trusts already. */
function nextAnswer(next: ServedAuthority, current: ServedAuthority, root: Certificate): Uint8Array {
  const registration = next.decryptsItself ? [] : [next.registration.encoded];
  return createNextCaCertificates({
    certificates: [next.certificate.encoded, ...registration, root.encoded],
    digest: 'sha256',
    signer: { certificate: current.certificate, privateKey: current.keys.issuing.privateKey },
  });
}

/** RFC 8894 4.2.1. */
function caCertificatesAnswers(
  { certificate, registration, decryptsItself }: ServedAuthority,
  root: Certificate,
): ReadonlyMap<CaCertificatesShape, CaCertificatesAnswer> {
  const list = (...certificates: Certificate[]): CaCertificatesAnswer => ({
    contentType: 'application/x-x509-ca-ra-cert',
    body: encodeCertsOnly(certificates.map(({ encoded }) => encoded)),
  });
  const single = { contentType: 'application/x-x509-ca-cert', body: certificate.encoded };
  if (decryptsItself) {
    return new Map([
      ['chain', list(certificate, root)],
      ['issuer', single],
      ['single', single],
    ]);
  }
  // Without the RA's certificate nobody could encrypt a message: there is no single one to give.
  return new Map([
    ['chain', list(registration, certificate, root)],
    ['issuer', list(registration, certificate)],
  ]);
}
