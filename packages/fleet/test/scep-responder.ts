// A SCEP server of a few lines on a real socket, which keeps what it received.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import {
  createCertRep,
  decodeEnvelope,
  decodePkiMessage,
  encodeCertsOnly,
  openEnvelope,
  verifyPkiMessage,
} from '@scepter/scep';
import type { FailInfo, KeyTransport, PkiMessage } from '@scepter/scep';
import {
  decodeCertificationRequest,
  keyUsageExtension,
  extendedKeyUsageExtension,
  subjectAltNameExtension,
  oid,
} from '@scepter/x509';
import type { Certificate, CertificationRequest } from '@scepter/x509';
import { issue } from './authority.ts';
import type { Authority } from './authority.ts';

export interface ReceivedRequest {
  method: string;
  /** Path and query as they were on the wire. */
  url: string;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

export interface ReceivedEnrollment {
  /** The CMS message as received. */
  bytes: Buffer;
  message: PkiMessage;
  keyTransport: KeyTransport;
  csr: CertificationRequest;
}

export type Decision =
  | { status: 'issue'; certificate?: (csr: CertificationRequest) => Certificate; extra?: Certificate[] }
  | { status: 'fail'; failInfo: FailInfo }
  | { status: 'pending' }
  | { status: 'http'; code: number; body?: string };

export interface Responder {
  url: string;
  requests: ReceivedRequest[];
  enrollments: ReceivedEnrollment[];
  close(): Promise<void>;
}

export interface ResponderOptions {
  authority: Authority;
  capabilities?: string;
  decide?: () => Decision;
}

const standardCapabilities = 'AES\nPOSTPKIOperation\nSHA-256\nSCEPStandard\n';

export async function startResponder(options: ResponderOptions): Promise<Responder> {
  const responder: Omit<Responder, 'url' | 'close'> = { requests: [], enrollments: [] };
  const server = createServer((request, response) => {
    answer(request, response, options, responder).catch((error: unknown) => {
      response.writeHead(500).end(String(error));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return { ...responder, url: `http://127.0.0.1:${port}/scep/test`, close };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  options: ResponderOptions,
  { requests, enrollments }: Omit<Responder, 'url' | 'close'>,
): Promise<void> {
  const body = await buffer(request);
  requests.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, body });
  const operation = /operation=(\w+)/.exec(request.url ?? '')?.[1];
  if (operation === 'GetCACaps') {
    response.end(options.capabilities ?? standardCapabilities);
  } else if (operation === 'GetCACert') {
    const { registration, issuing } = options.authority;
    response.setHeader('content-type', 'application/x-x509-ca-ra-cert');
    response.end(encodeCertsOnly([registration.certificate.encoded, issuing.certificate.encoded]));
  } else {
    const query = /message=([^&]*)/.exec(request.url ?? '')?.[1] ?? '';
    const bytes = request.method === 'POST' ? body : Buffer.from(query.replaceAll('%3D', '='), 'base64');
    const enrollment = read(bytes, options.authority);
    enrollments.push(enrollment);
    reply(response, enrollment, options);
  }
}

function read(bytes: Buffer, { registration }: Authority): ReceivedEnrollment {
  const message = decodePkiMessage(bytes);
  assert.ok(verifyPkiMessage(message), 'the request carries a good signature');
  assert.ok(message.content);
  const opened = openEnvelope(decodeEnvelope(message.content), registration, randomBytes);
  return { bytes, message, keyTransport: opened.keyTransport, csr: decodeCertificationRequest(opened.content) };
}

function reply(response: ServerResponse, enrollment: ReceivedEnrollment, options: ResponderOptions): void {
  const decision = options.decide?.() ?? { status: 'issue' };
  if (decision.status === 'http') {
    response.writeHead(decision.code).end(decision.body ?? '');
    return;
  }
  const { message, keyTransport, csr } = enrollment;
  response.setHeader('content-type', 'application/x-pki-message');
  response.end(
    createCertRep({
      outcome: outcomeOf(decision, csr, options.authority, message, keyTransport),
      transactionId: message.transactionId,
      recipientNonce: message.senderNonce,
      digest: message.digest ?? 'sha256',
      signer: options.authority.registration,
      randomBytes,
    }),
  );
}

function outcomeOf(
  decision: Exclude<Decision, { status: 'http' }>,
  csr: CertificationRequest,
  authority: Authority,
  message: PkiMessage,
  keyTransport: KeyTransport,
): Parameters<typeof createCertRep>[0]['outcome'] {
  if (decision.status === 'pending') return { status: 'pending' };
  if (decision.status === 'fail') return { status: 'failure', failInfo: decision.failInfo };
  const leaf = decision.certificate?.(csr) ?? certify(csr, authority);
  return {
    status: 'success',
    certificates: [leaf, ...(decision.extra ?? [])].map(({ encoded }) => encoded),
    recipient: { kind: 'certificate', certificate: message.signer, keyTransport },
    contentCipher: 'aes-128-cbc',
  };
}

/** What an honest CA makes of the device's request. */
export function certify(csr: CertificationRequest, { issuing }: Authority): Certificate {
  return issue({
    issuer: issuing,
    subject: csr.subject,
    publicKey: csr.publicKey.encoded,
    extensions: [
      keyUsageExtension(['digitalSignature', 'keyEncipherment']),
      extendedKeyUsageExtension([oid.clientAuth]),
      ...(csr.subjectAltNames.length === 0 ? [] : [subjectAltNameExtension(csr.subjectAltNames)]),
    ],
  });
}
