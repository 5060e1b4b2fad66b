/**
 * Records what other people's clients send, into `corpus/`: `node --conditions=source fuzz/record-clients.ts`. It needs
 * the programs that `interop/README.md` names. The server here knows no policy: it gives everybody a certificate, because
 * only who got one renews.
 */
import { createCertRep, decodeEnvelope, decodePkiMessage, encodeCertsOnly, openEnvelope } from '@scepter/scep';
import {
  assembleCertificate,
  decodeCertificationRequest,
  encodePem,
  encodeTbsCertificate,
  keyUsageExtension,
  signatureAlgorithmFor,
  signData,
} from '@scepter/x509';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect, createServer as createSocketServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCertmonger } from '../interop/clients/certmonger.ts';
import { scepclient } from '../interop/clients/scepclient.ts';
import { fetchStrongswanAuthority, generateKey, strongswan } from '../interop/clients/strongswan.ts';
import { CHALLENGE, readIdentities } from './identities.ts';

const { authority, recorder } = readIdentities();
const folder = mkdtempSync(join(tmpdir(), 'fuzz-record-'));
let label = '';
const counts = new Map<string, number>();

function keep(kind: string, name: string, bytes: Uint8Array): void {
  const count = (counts.get(`${kind} ${name}`) ?? 0) + 1;
  counts.set(`${kind} ${name}`, count);
  mkdirSync(join(import.meta.dirname, 'corpus', kind), { recursive: true });
  writeFileSync(join(import.meta.dirname, 'corpus', kind, `${name}${count === 1 ? '' : `-${count}`}.bin`), bytes);
}

const questions = new Set<string>();

/** Every client asks for capabilities and certificates again and again. */
function keepOnce(name: string, request: Buffer): void {
  const question = `${name.split('-', 1)[0]} ${request.length < 200 ? request.toString('latin1') : name}`;
  if (!questions.has(question)) keep('http-request', name, request);
  questions.add(question);
}

let issuedCertificates = 0;

function issue(csr: Uint8Array): Uint8Array {
  const request = decodeCertificationRequest(csr);
  const signatureAlgorithm = signatureAlgorithmFor(authority.privateKey, 'sha256');
  issuedCertificates += 1;
  const tbs = encodeTbsCertificate({
    serialNumber: Uint8Array.of(0x10, issuedCertificates),
    signatureAlgorithm,
    issuer: authority.certificate.subject,
    subject: request.subject,
    notBefore: new Date('2026-01-01T00:00:00Z'),
    notAfter: new Date('2036-01-01T00:00:00Z'),
    publicKey: request.publicKey.encoded,
    extensions: [keyUsageExtension(['digitalSignature', 'keyEncipherment'])],
  });
  return assembleCertificate(tbs, signatureAlgorithm, signData(authority.privateKey, 'sha256', tbs));
}

function answer(bytes: Uint8Array): Uint8Array {
  keep('pki-message', label, bytes);
  const message = decodePkiMessage(bytes);
  if (message.content === undefined || message.digest === undefined) throw new Error('no content');
  const envelope = decodeEnvelope(message.content);
  const { content, keyTransport } = openEnvelope(envelope, recorder, randomBytes);
  keep('envelope', label, message.content);
  keep('certification-request', label, content);
  const reply = createCertRep({
    outcome: {
      status: 'success',
      certificates: [issue(content)],
      recipient: { kind: 'certificate', certificate: message.signer, keyTransport },
      contentCipher: envelope.contentCipher ?? 'aes-128-cbc',
    },
    transactionId: message.transactionId,
    recipientNonce: message.senderNonce,
    digest: message.digest,
    signer: recorder,
    randomBytes,
  });
  return reply;
}

const http = createServer({ requireHostHeader: false, maxHeaderSize: 96 * 1024 }, (request, response) => {
  const url = new URL(request.url ?? '/', 'http://x');
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const operation = url.searchParams.get('operation');
    if (operation === 'GetCACaps')
      return response.end('AES\nDES3\nPOSTPKIOperation\nRenewal\nSCEPStandard\nSHA-1\nSHA-256\nSHA-384\nSHA-512');
    if (operation === 'GetCACert') {
      response.setHeader('content-type', 'application/x-x509-ca-ra-cert');
      return response.end(encodeCertsOnly([recorder.certificate.encoded, authority.certificate.encoded]));
    }
    const message = url.searchParams.get('message')?.replaceAll(' ', '+');
    const bytes = request.method === 'POST' ? Buffer.concat(chunks) : Buffer.from(message ?? '', 'base64');
    response.setHeader('content-type', 'application/x-pki-message');
    return response.end(answer(new Uint8Array(bytes)));
  });
});
await new Promise<void>((resolve) => void http.listen(0, '127.0.0.1', resolve));
const httpPort = (http.address() as AddressInfo).port;

/** Stands before the server and keeps every connection as it was. */
const tap = createSocketServer((client) => {
  const chunks: Buffer[] = [];
  const name = label;
  const upstream = connect(httpPort, '127.0.0.1');
  client.on('data', (chunk: Buffer) => void [chunks.push(chunk), upstream.write(chunk)]);
  upstream.pipe(client);
  client.on('close', () => {
    keepOnce(name, Buffer.concat(chunks));
    upstream.destroy();
  });
  client.on('error', () => upstream.destroy());
  upstream.on('error', () => client.destroy());
});
await new Promise<void>((resolve) => void tap.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${(tap.address() as AddressInfo).port}/scep/fuzz`;

function told(what: string, { exitCode, output }: { exitCode: number; output: string }): void {
  console.log(`${what}: ${exitCode === 0 ? 'done' : `exit code ${exitCode}\n${output}`}`);
}

async function recordScepclient(): Promise<void> {
  const work = join(folder, 'scepclient');
  mkdirSync(work);
  const device = { url, folder: work, commonName: 'device', challenge: CHALLENGE };
  label = 'scepclient-enroll';
  told(label, await scepclient(device));
  label = 'scepclient-renew';
  told(label, await scepclient(device));
}

async function recordStrongswan(): Promise<void> {
  label = 'strongswan-cacert';
  const work = join(folder, 'strongswan');
  mkdirSync(work);
  await fetchStrongswanAuthority(url, work);
  const authorityFiles = {
    rootFile: join(work, 'ca.pem'),
    issuingFile: join(work, 'ca.pem'),
    registrationFile: join(work, 'ra.pem'),
  };
  const [oldKey, newKey, certificateFile] = [join(work, 'old.pem'), join(work, 'new.pem'), join(work, 'cert.pem')];
  await Promise.all([generateKey(oldKey), generateKey(newKey)]);
  for (const [cipher, digest] of [
    ['aes', 'sha256'],
    ['des3', 'sha1'],
    ['aes', 'sha512'],
  ] as const) {
    const common = {
      url,
      authority: authorityFiles,
      subject: 'CN=device',
      subjectAltName: 'device.example',
      cipher,
      digest,
    };
    label = `strongswan-${cipher}-${digest}-enroll`;
    told(label, await strongswan({ ...common, keyFile: oldKey, certificateFile, proof: { challenge: CHALLENGE } }));
    label = `strongswan-${cipher}-${digest}-renew`;
    told(
      label,
      await strongswan({
        ...common,
        keyFile: newKey,
        certificateFile: join(work, 'renewed.pem'),
        proof: { certificateFile, keyFile: oldKey },
      }),
    );
  }
}

async function recordCertmonger(): Promise<void> {
  const work = join(folder, 'cm');
  mkdirSync(work);
  const certmonger = await startCertmonger(work);
  try {
    label = 'certmonger-enroll';
    told(label, await certmonger.getcert('add-scep-ca', '-c', 'fuzz', '-u', url, '-R', await authorityFile(work)));
    const [key, certificate] = [join(work, 'key.pem'), join(work, 'cert.pem')];
    told(
      label,
      await certmonger.getcert(
        'request',
        '-c',
        'fuzz',
        '-I',
        'device',
        '-k',
        key,
        '-f',
        certificate,
        '-N',
        'CN=device',
        '-D',
        'device.example',
        '-L',
        CHALLENGE,
        '-w',
        '-v',
      ),
    );
    label = 'certmonger-renew';
    told(label, await certmonger.getcert('resubmit', '-i', 'device', '-L', '', '-w', '-v'));
  } finally {
    await certmonger.close();
  }
}

async function authorityFile(work: string): Promise<string> {
  const path = join(work, 'ca.pem');
  writeFileSync(path, encodePem('CERTIFICATE', authority.certificate.encoded));
  return path;
}

try {
  await recordScepclient();
  await recordStrongswan();
  await recordCertmonger();
} finally {
  tap.close();
  http.closeAllConnections();
  http.close();
  rmSync(folder, { recursive: true, force: true });
}
