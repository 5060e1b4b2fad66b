/** Faults of HTTP, GetCACaps, GetCACert and every reply. */
import { encodeCertsOnly } from '@scepter/scep';
import { der, encodeAlgorithmIdentifier, encodePem, keyIdentifier, oid, publicKeyInfoOf } from '@scepter/x509';
import { forgeSignerInfo } from '../../src/wire/forge-message.ts';
import { wireOid } from '../../src/wire/object-identifiers.ts';
import { createAuthority, newKeys } from '../small-authority.ts';
import { honestCapabilities } from '../small-behaviour.ts';

import { bytes, http, status, asks, capabilities, skipping, spoiling, attribute, registrationUsage } from './fault.ts';
import type { Fault } from './fault.ts';

export const httpFaults: Record<string, Fault> = {
  'http.post': http(({ method }) => method === 'POST', status(405)),
  'http.get': http(({ method, operation }) => method === 'GET' && operation === 'PKIOperation', status(405)),
  'http.content-type': http(
    ({ method }) => method === 'POST',
    () => ({ contentType: 'application/x-pki-message; charset=utf-8' }),
  ),
  'http.refusal-status': http(
    ({ method }) => method === 'POST',
    () => ({ status: 500 }),
  ),
  'http.unserved-message': { server: () => ({ unserved: ['20'] }) },
  'http.garbage': http((_, answer) => answer.status === 400, status(500)),
  'http.unknown-operation': http(asks('GetNothingLikeThis'), status(200)),
  'http.path-suffix': http(({ path }) => path.endsWith('/pkiclient.exe'), status(404)),
  'http.no-redirect': http(asks('GetCACaps'), () => ({
    status: 302,
    headers: { location: 'https://elsewhere.example/' },
  })),
};

export const capabilityFaults: Record<string, Fault> = {
  'caps.answer': http(asks('GetCACaps'), status(404)),
  'caps.content-type': http(asks('GetCACaps'), () => ({ contentType: 'text/html' })),
  'caps.mandatory': capabilities('POSTPKIOperation\nAES'),
  'caps.each-by-name': capabilities('SCEPStandard'),
  'caps.case': capabilities(honestCapabilities.replace('Renewal', 'renewal')),
  'caps.no-weak-algorithm': capabilities(`${honestCapabilities}\nMD5`),
  'caps.no-empty-line': capabilities(`${honestCapabilities}\n\nExample.com-More`),
  'caps.size': capabilities(Array.from({ length: 60 }, (_, index) => `Example.com-Capability${index}`).join('\n')),
  'caps.private-names': capabilities(`${honestCapabilities}\nFrobnicate`),
};

export const authorityFaults: Record<string, Fault> = {
  'ca.decodes': http(asks('GetCACert'), ({ body }) => ({ body: bytes(encodePem('CERTIFICATE', body)) })),
  'ca.content-type': http(asks('GetCACert'), () => ({ contentType: 'application/x-x509-ca-cert' })),
  'ca.no-parameters': http(asks('GetCACert'), () => ({ contentType: 'application/x-x509-ca-ra-cert; charset=binary' })),
  'ca.encryption-certificate': registrationUsage('digitalSignature'),
  'ca.signing-certificate': registrationUsage('keyEncipherment'),
  'ca.chain': http(asks('GetCACert'), () => {
    const { next, registration } = createAuthority();
    return { body: encodeCertsOnly([registration.certificate.encoded, next.certificate.encoded]) };
  }),
  'ca.validity': {
    server: () => ({
      authority: (fields, role) =>
        role === 'registration' ? { ...fields, notAfter: new Date(Date.now() - 3_600_000) } : fields,
    }),
  },
  'ca.key-strength': {
    server: () => ({
      authority: (fields, role) =>
        role === 'registration' ? { ...fields, publicKey: publicKeyInfoOf(newKeys(1024).publicKey).encoded } : fields,
    }),
  },
  'ca.fingerprint': { server: () => ({}), probe: { caFingerprint: 'A'.repeat(64) } },
  'ca.stable': {
    server: () => {
      let count = 0;
      return {
        http: (received, answer) => {
          if (received.operation !== 'GetCACert') return answer;
          count += 1;
          return count < 2
            ? answer
            : { ...answer, body: encodeCertsOnly([createAuthority().authority.certificate.encoded]) };
        },
      };
    },
  },
  'ca.apple-ra': http(asks('GetCACert'), () => ({
    body: encodeCertsOnly([createAuthority().authority.certificate.encoded]),
  })),
};

export const messageFaults: Record<string, Fault> = {
  'message.content-type': spoiling(() => ({ eContentType: wireOid.signedData })),
  'message.one-signer': spoiling((options) => ({ furtherSigners: [forgeSignerInfo(options)] })),
  'message.cms-attributes': spoiling(() => ({ omitContentType: true })),
  'message.der-attributes': spoiling(() => ({ reverseAttributes: true })),
  'message.signature': spoiling(() => ({ flipSignature: true })),
  'message.signer-identifier': spoiling(({ signer }) => ({
    identifier: der.implicitPrimitive(0, keyIdentifier(signer.certificate.publicKey)),
  })),
  'message.signature-algorithm': spoiling(() => ({
    signatureAlgorithm: encodeAlgorithmIdentifier(oid.rsassaPss, der.sequence()).encoded,
  })),
  'message.required-attributes': attribute(wireOid.senderNonce, () => []),
  'message.attribute-encodings': attribute(wireOid.messageType, () => [der.utf8String('3')]),
  'message.type': attribute(wireOid.messageType, () => [der.printableString('19')]),
  'message.transaction-echo': attribute(wireOid.transactionId, () => [der.printableString('another')]),
  'message.nonce-echo': attribute(wireOid.recipientNonce, () => [der.octetString(new Uint8Array(16))]),
  'message.fresh-nonce': attribute(wireOid.senderNonce, () => [der.octetString(new Uint8Array(16))]),
  'message.fail-info': attribute(wireOid.failInfo, () => [der.printableString('7')]),
  'message.failure-envelope': {
    server: () => ({
      reply: (options, state) => (state === 'FAILURE' ? { ...options, content: bytes('content') } : options),
    }),
  },
  'message.digest-mirror': { server: () => ({ reply: (options) => ({ ...options, digest: 'sha1' }) }) },
  'message.bad-signature': skipping('message signature'),
};
