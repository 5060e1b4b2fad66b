import { formatInstant } from '../format.ts';
import type { Terminal } from '../terminal.ts';

/** A generation of the CA as the admin API shows it. Instants are ISO 8601. */
export interface ListedAuthority {
  readonly generation: number;
  readonly state: 'next' | 'current' | 'former';
  /** SHA-256, upper-case hex. */
  readonly fingerprint: string;
  /** SHA-1, upper-case hex. */
  readonly thumbprint: string;
  readonly subject: string;
  readonly key: string;
  readonly notBefore: string;
  readonly notAfter: string;
  readonly addedAt: string;
  readonly activatedAt: string | null;
  readonly retiredAt: string | null;
  readonly registration: { readonly subject: string; readonly thumbprint: string; readonly notAfter: string } | null;
  readonly crl: { readonly url: string; readonly number: string; readonly nextUpdate: string } | null;
  readonly lastCertificateEnd: string | null;
}

/** A few lines each, in the order of the generations. */
export function printAuthorities(out: Terminal, authorities: readonly ListedAuthority[]): void {
  for (const [index, authority] of authorities.entries()) {
    if (index > 0) out.blank();
    printAuthority(out, authority);
  }
}

export function printAuthority(out: Terminal, authority: ListedAuthority): void {
  const { generation, state, subject, key, notAfter, registration, crl } = authority;
  out.text(`${generation}  ${subject}`, { hanging: 3 });
  const line = (name: string, value: string): void =>
    out.row([{ text: name, width: 10 }, { text: value }], { indent: 3 });
  line('State', stateOf(authority));
  line('Key', `${key}, certificate to ${formatInstant(notAfter)}`);
  for (const [at, part] of halves(authority.fingerprint).entries()) line(at === 0 ? 'SHA-256' : '', part);
  line('SHA-1', authority.thumbprint);
  line(
    'RA',
    registration === null ? 'none: it decrypts for itself' : `certificate to ${formatInstant(registration.notAfter)}`,
  );
  line('CRL', crl === null ? 'none yet' : `number ${crl.number}, next by ${formatInstant(crl.nextUpdate)}`);
  if (state === 'former') line('Serves', `its CRL, until shortly after ${formatInstant(endOf(authority))}`);
}

function stateOf({ state, addedAt, activatedAt, retiredAt }: ListedAuthority): string {
  if (state === 'next') return `next, staged ${formatInstant(addedAt)}`;
  if (state === 'current') return `current since ${formatInstant(activatedAt ?? addedAt)}`;
  return `former since ${formatInstant(retiredAt ?? addedAt)}`;
}

/** The end of the last certificate that it issued, to a device or to its RA. */
function endOf({ lastCertificateEnd, registration, retiredAt, addedAt }: ListedAuthority): string {
  const ends = [lastCertificateEnd, registration?.notAfter].filter((end) => typeof end === 'string');
  return ends.sort().at(-1) ?? retiredAt ?? addedAt;
}

/** Two lines of 32 digits fit beside a name. */
function halves(fingerprint: string): string[] {
  return [fingerprint.slice(0, 32), fingerprint.slice(32)];
}
