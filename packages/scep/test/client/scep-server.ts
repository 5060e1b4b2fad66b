/** A SCEP server as a fetch function, and who talks to it. */
import assert from 'node:assert/strict';
import { basicConstraintsExtension } from '@scepter/x509';
import {
  ScepClient,
  createCertRep,
  decodeEnvelope,
  decodePkiMessage,
  encodeCertsOnly,
  openEnvelope,
  verifyPkiMessage,
} from '@scepter/scep';
import type { CertRepOutcome, Envelope, PkiMessage, ScepClientOptions } from '@scepter/scep';
import { certificationRequest, issuedBy, selfSigned, systemRandom } from '../fixtures.ts';

export const ca = selfSigned('ca', { extensions: [basicConstraintsExtension({ ca: true })] });
export const ra = issuedBy(ca, 'ra');
export const device = selfSigned('device');
export const issued = issuedBy(ca, 'device', { keys: device, serialNumber: Uint8Array.of(0x42) });
export const csr = certificationRequest(device);
export const enrollment = { csr, privateKey: device.privateKey, signerCertificate: device.certificate };
export const allCapabilities = 'AES\nDES3\nPOSTPKIOperation\nRenewal\nSCEPStandard\nSHA-1\nSHA-256\nSHA-512';

export interface Received {
  method: string;
  url: URL;
  rawQuery: string;
  headers: Headers;
  redirect: string | undefined;
}
export interface Transaction {
  message: PkiMessage;
  envelope: Envelope;
  content: Uint8Array;
}

export interface Server {
  fetch: typeof fetch;
  received: Received[];
  transactions: Transaction[];
}

export interface ServerOptions {
  capabilities?: string | Response;
  certificates?: Uint8Array;
  /** One outcome for each message; the last one stays. */
  outcomes?: ((transaction: Transaction) => CertRepOutcome)[];
  answer?: (body: Uint8Array) => Response;
  /** The body of GetNextCACert; without one it is unknown. */
  nextCaCertificates?: Uint8Array;
}

export const released = ({ message, envelope }: Transaction): CertRepOutcome => ({
  status: 'success',
  certificates: [ca.certificate.encoded, issued.certificate.encoded],
  recipient: { kind: 'certificate', certificate: message.signer, keyTransport: { kind: 'pkcs1' } },
  contentCipher: envelope.contentCipher!,
});
export const pending = (): CertRepOutcome => ({ status: 'pending' });

/** A SCEP server as a fetch function. */
export const scepServer = (options: ServerOptions = {}): Server => {
  const received: Received[] = [];
  const transactions: Transaction[] = [];
  const outcomes = options.outcomes ?? [released];
  const reply = (bytes: Uint8Array): Uint8Array => {
    const message = decodePkiMessage(bytes);
    assert.ok(verifyPkiMessage(message));
    const envelope = decodeEnvelope(message.content!);
    const transaction = { message, envelope, content: openEnvelope(envelope, ra, systemRandom).content };
    const outcome = outcomes[Math.min(transactions.length, outcomes.length - 1)]!(transaction);
    transactions.push(transaction);
    return createCertRep({
      outcome,
      transactionId: message.transactionId,
      recipientNonce: message.senderNonce,
      digest: message.digest!,
      signer: ra,
      randomBytes: systemRandom,
    });
  };
  const answer = options.answer ?? ((body: Uint8Array) => new Response(Uint8Array.from(reply(body))));
  const serve: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    const url = new URL(request.url);
    received.push({
      method: request.method,
      url,
      rawQuery: url.search,
      headers: request.headers,
      redirect: init?.redirect,
    });
    switch (url.searchParams.get('operation')) {
      case 'GetCACaps':
        return typeof options.capabilities === 'object'
          ? options.capabilities
          : new Response(options.capabilities ?? allCapabilities);
      case 'GetCACert':
        return new Response(
          Uint8Array.from(options.certificates ?? encodeCertsOnly([ra.certificate.encoded, ca.certificate.encoded])),
        );
      case 'GetNextCACert':
        return options.nextCaCertificates === undefined
          ? new Response('there is none', { status: 404 })
          : new Response(Uint8Array.from(options.nextCaCertificates));
      default:
        return request.method === 'POST'
          ? answer(new Uint8Array(await request.arrayBuffer()))
          : answer(Uint8Array.from(Buffer.from(url.searchParams.get('message') ?? '', 'base64')));
    }
  };
  return { fetch: serve, received, transactions };
};

export const clientOf = (server: Pick<Server, 'fetch'>, options: Partial<ScepClientOptions> = {}): ScepClient =>
  new ScepClient({
    url: 'http://scep.example/scep/static',
    fetch: server.fetch,
    randomBytes: systemRandom,
    ...options,
  });
