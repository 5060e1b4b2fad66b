/** What the tests of attacks share: a device, an attacker with keys of their own, and what an answer is judged by. */
import assert from 'node:assert/strict';
import { readCertRep } from '@scepter/scep';
import type { CertRep } from '@scepter/scep';
import type { Enrollment } from '../../src/store/store.ts';
import { certificationRequest, Client, newKeys, selfSigned } from '../device.ts';
import type { DeviceKeys, RequestOptions } from '../device.ts';
import type { Laboratory } from '../laboratory.ts';
import { STATIC_CHALLENGE } from '../laboratory.ts';
import { envelope, message, seal } from './hand-made-message.ts';
import type { Identity, MessageOptions } from './hand-made-message.ts';

export interface Person extends Identity, DeviceKeys {}

export function newPerson(subject = 'CN=device'): Person {
  const keys = newKeys();
  return { ...keys, certificate: selfSigned(keys, subject) };
}

export const senderNonce: Uint8Array = new Uint8Array(16).fill(7);

export interface Outcome {
  readonly status: number;
  readonly bytes: Uint8Array;
  readonly reply: CertRep | undefined;
  /** The refusal that the operator reads. */
  readonly refusal: string | undefined;
}

export class AttackLaboratory {
  readonly laboratory: Laboratory;
  readonly client: Client;
  #count = 0;

  private constructor(laboratory: Laboratory, client: Client) {
    this.laboratory = laboratory;
    this.client = client;
  }

  static async at(laboratory: Laboratory, endpoint: string): Promise<AttackLaboratory> {
    return new AttackLaboratory(laboratory, await Client.connect(`${laboratory.server.url}/scep/${endpoint}`));
  }

  newTransactionId(): string {
    return `attack-${(this.#count += 1)}`;
  }

  /** A request that would get a certificate, in its envelope. */
  sealed(person: Person, options: RequestOptions = {}): Uint8Array {
    const csr = certificationRequest(person, { challenge: STATIC_CHALLENGE, ...options });
    return envelope(this.client.recipient, seal(this.client.recipient, csr));
  }

  /** Sends a message of one's own making. */
  async send(options: Omit<MessageOptions, 'transactionId'> & { transactionId?: string }): Promise<Outcome> {
    const transactionId = options.transactionId ?? this.newTransactionId();
    return this.post(message({ senderNonce, ...options, transactionId }), transactionId, options.signer);
  }

  async post(bytes: Uint8Array, transactionId: string, signer: Identity): Promise<Outcome> {
    this.laboratory.steps.length = 0;
    const response = await fetch(`${this.client.url}?operation=PKIOperation`, {
      method: 'POST',
      body: Buffer.from(bytes),
    });
    const body = new Uint8Array(await response.arrayBuffer());
    const isReply = response.headers.get('content-type') === 'application/x-pki-message';
    const signers = [...this.client.authorities];
    return {
      status: response.status,
      bytes: body,
      reply: isReply ? readCertRep(body, { recipient: signer, signers, transactionId, senderNonce }) : undefined,
      refusal: this.laboratory.steps.find(({ outcome }) => outcome === 'refused')?.refusal,
    };
  }

  /** Everything in the store that a request could have left, to be compared. */
  stored(): Promise<readonly Enrollment[]> {
    return this.laboratory.server.store.listEnrollments(1000);
  }
}

export function assertRefused({ status, reply }: Outcome, failInfo: string): void {
  assert.equal(status, 200);
  assert.equal(reply?.status, 'failure');
  assert.equal(reply.failInfo, failInfo);
}
