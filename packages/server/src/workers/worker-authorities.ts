/** The CAs of a worker, with their certificates decoded once. */
import { localSigningKey } from '@scepter/ca';
import type { SigningKey } from '@scepter/ca';
import { decodeCertificate } from '@scepter/x509';
import type { Certificate } from '@scepter/x509';
import type { KeyObject } from 'node:crypto';
import type { AuthorityKeys, KeyPair, ReplyAddress, WorkerKeys } from './jobs.ts';
import { WorkerError } from './worker-error.ts';

/** An RA certificate with its key. */
export interface Registration {
  readonly certificate: Certificate;
  readonly privateKey: KeyObject;
}

export interface WorkerAuthority {
  readonly id: string;
  readonly issuing: Certificate;
  readonly signingKey: SigningKey;
  readonly registrations: readonly [Registration, ...Registration[]];
}

/** Whose RA, and which of its RA certificates. */
export type Addressee = Pick<ReplyAddress, 'authority' | 'registration'>;

export class WorkerAuthorities {
  /** The current one first. */
  readonly all: readonly [WorkerAuthority, ...WorkerAuthority[]];

  constructor({ authorities: [current, ...others] }: WorkerKeys) {
    this.all = [decodeAuthority(current), ...others.map(decodeAuthority)];
  }

  /** @throws WorkerError `worker.unknown_authority` */
  byId(id: string): WorkerAuthority {
    const authority = this.all.find((each) => each.id === id);
    if (authority === undefined) throw new WorkerError('worker.unknown_authority', `No key of the CA ${id} is here.`);
    return authority;
  }

  /** The RA that `isAddressed` recognizes; the current CA's newest where it recognizes none. */
  addressee(isAddressed: (registration: Certificate) => boolean): Addressee {
    for (const { id, registrations } of this.all) {
      const registration = registrations.findIndex(({ certificate }) => isAddressed(certificate));
      if (registration >= 0) return { authority: id, registration };
    }
    return { authority: this.all[0].id, registration: 0 };
  }

  registrationOf({ authority, registration }: Addressee): Registration {
    const { registrations } = this.byId(authority);
    return registrations[registration] ?? registrations[0];
  }
}

function decodeAuthority({ id, issuing, registrations: [current, ...former] }: AuthorityKeys): WorkerAuthority {
  return {
    id,
    issuing: decodeCertificate(issuing.certificate),
    signingKey: localSigningKey(issuing.privateKey),
    registrations: [decodeKeyPair(current), ...former.map(decodeKeyPair)],
  };
}

function decodeKeyPair({ certificate, privateKey }: KeyPair): Registration {
  return { certificate: decodeCertificate(certificate), privateKey };
}
