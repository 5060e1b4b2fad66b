/** Faults of rollover, with the habits of real clients, and under abuse. */
import { encodeCertsOnly } from '@scepter/scep';
import { Asn1Reader, der, encodeAlgorithmIdentifier, equalBytes, namesEqual, oid, parseName } from '@scepter/x509';
import { forgeMessage } from '../../src/wire/forge-message.ts';
import { wireOid } from '../../src/wire/object-identifiers.ts';
import { createAuthority } from '../small-authority.ts';
import { honestCapabilities } from '../small-behaviour.ts';
import type { Asked } from '../small-behaviour.ts';

import {
  http,
  status,
  asks,
  capabilities,
  skipping,
  refusing,
  spoiling,
  attribute,
  withAttribute,
  certificate,
  copyExtensions,
} from './fault.ts';
import type { Fault } from './fault.ts';

const next = (content: () => Uint8Array, signer: 'authority' | 'registration'): Fault =>
  http(asks('GetNextCACert'), () => ({
    body: forgeMessage({ content: content(), attributes: [], signer: createAuthority()[signer], digest: 'sha256' }),
  }));

export const rolloverFaults: Record<string, Fault> = {
  'rollover.answer': http(asks('GetNextCACert'), () => ({ contentType: 'application/octet-stream' })),
  'rollover.signed': next(() => encodeCertsOnly([createAuthority().next.certificate.encoded]), 'registration'),
  'rollover.next-authority': next(
    () => encodeCertsOnly([createAuthority().registration.certificate.encoded]),
    'authority',
  ),
  'rollover.unannounced': capabilities(honestCapabilities.replace('GetNextCACert\n', '')),
};

const oaep = ({ envelope }: Asked): boolean => envelope?.recipients[0]?.keyTransport?.kind === 'oaep';

const sorted = (encoded: Uint8Array): Uint8Array => {
  const reader = Asn1Reader.of(encoded, { rules: 'ber' }).set();
  const parts: Uint8Array[] = [];
  while (!reader.atEnd()) parts.push(reader.next().encoded);
  return der.setOf(parts);
};

export const clientFaults: Record<string, Fault> = {
  'clients.windows-message': http(({ message }) => message === 'default', status(404)),
  'clients.windows-oaep': refusing(oaep),
  'clients.windows-oaep-sha256': refusing(oaep),
  'clients.windows-signer': refusing(
    ({ csr, message }) => csr !== undefined && !namesEqual(message.signer.subject, csr.subject),
  ),
  'clients.windows-attributes': refusing(({ csr }) => (csr?.attributes.length ?? 0) > 1),
  'clients.long-challenge': http(({ body }) => body.length > 8000, status(400)),
  'clients.apple-get': http(
    ({ message }) => message?.includes('+') === true || message?.includes('/') === true,
    status(400),
  ),
  'clients.apple-ber': http(({ body }) => body[1] === 0x80, status(500)),
  'clients.apple-short-nonce': {
    server: () => ({
      reply: (options, _state, { message }) => {
        const nonce = der.concat(message.senderNonce ?? new Uint8Array(), new Uint8Array(16)).subarray(0, 16);
        const attributes = withAttribute(options.attributes, wireOid.recipientNonce, [der.octetString(nonce)]);
        return { ...options, attributes };
      },
    }),
  },
  'clients.attribute-order': refusing(
    ({ message: { signerInfo } }) =>
      signerInfo.signedBytes !== undefined && !equalBytes(sorted(signerInfo.signedBytes), signerInfo.signedBytes),
    '1',
  ),
  'clients.cisco-http-1-0': http(({ httpVersion }) => httpVersion === '1.0', status(400)),
  'clients.strongswan-no-host': { server: () => ({ serverOptions: { requireHostHeader: true } }) },
  'clients.cisco-get': http(({ message }) => message?.includes('%0A') === true, status(400)),
  'clients.get-without-padding': http(
    ({ message, operation }) =>
      operation === 'PKIOperation' && message !== undefined && decodeURIComponent(message).length % 4 !== 0,
    status(400),
  ),
  'clients.long-get': { server: () => ({ serverOptions: { maxHeaderSize: 16_384 } }) },
  'clients.no-content-type': http(
    ({ headers, method }) => method === 'POST' && headers['content-type'] === undefined,
    status(415),
  ),
  'clients.octet-stream': http(({ headers }) => headers['content-type'] === 'application/octet-stream', status(415)),
  'clients.post-without-operation': http(
    ({ method, operation }) => method === 'POST' && operation === undefined,
    status(400),
  ),
  'clients.certmonger-walk': http(({ message }) => message === '1', status(500)),
  'clients.certmonger-chain': http(asks('GetCAChain'), status(500)),
  'clients.strongswan-signature': spoiling(() => ({
    signatureAlgorithm: encodeAlgorithmIdentifier(oid.sha256WithRSA, der.null()).encoded,
  })),
  'clients.base64-transaction': attribute(wireOid.transactionId, () => [der.printableString('q+7')]),
  'clients.sscep-serial': refusing(({ message }) => message.signer.serialNumber.length > 20),
  'clients.several-recipients': refusing(({ envelope }) => (envelope?.recipients.length ?? 0) > 1),
  'clients.strongswan-capabilities': capabilities(honestCapabilities.replace('SHA-384\n', '')),
  'clients.slow-clock': refusing(
    ({ message }) => message.signerInfo.attributes.some(({ type }) => type === wireOid.signingTime),
    '3',
  ),
  'clients.cisco-extensions': {
    server: () => ({
      refuse: ({ csr }) => {
        if (csr?.extensionsWrapped === true) throw new Error('a crash');
        return undefined;
      },
    }),
  },
  'clients.cisco-names': certificate((fields) => ({ ...fields, subject: parseName('CN=a,O=b') })),
};

let freshChallenges = 0;

export const abuseFaults: Record<string, Fault> = {
  'abuse.message-type': skipping('type'),
  'abuse.swapped-content': skipping('message signature'),
  'abuse.signed-attributes': skipping('message signature'),
  'abuse.two-signers': skipping('message signature'),
  'abuse.signer-identifier': skipping('message signature', 'signer key'),
  'abuse.signer-key': skipping('signer key'),
  'abuse.oracle': refusing(({ envelope }) => (envelope?.encryptedContent.length ?? 0) % 16 !== 0, '1'),
  'abuse.weak-algorithms': skipping('algorithms'),
  'abuse.challenge-forms': skipping('challenge'),
  'abuse.challenge-parallel': {
    server: () => ({ oneTime: true, skip: ['challenge use'] }),
    probe: { challenge: { kind: 'fresh', next: async () => `once-${(freshChallenges += 1)}` } },
  },
  'abuse.csr-authority': copyExtensions,
  'abuse.csr-purposes': copyExtensions,
  'abuse.csr-sid': copyExtensions,
  'abuse.weak-keys': skipping('key'),
  'abuse.foreign-envelope': skipping('addressee'),
  'abuse.parser-bombs': http(({ method }, answer) => method === 'POST' && answer.status === 400, status(200)),
  'abuse.large-body': http((_, answer) => answer.status === 413, status(200)),
  'abuse.long-url': {
    server: () => ({
      serverOptions: { maxHeaderSize: 1024 * 1024 },
      http: ({ query }, answer) => (query.length > 100_000 ? status(200)() : answer),
    }),
  },
  'abuse.methods': http(({ method }) => method === 'PUT', status(200)),
  'abuse.path-traversal': http(({ path }) => path.includes('etc'), status(200, 'root:x:0:0:root:/root:/bin/sh\n')),
  'abuse.slow-client': { server: () => ({ oneAtATime: true }), probe: { timeoutMs: 1_500 } },
  'abuse.no-leaks': http(
    (_, answer) => answer.status === 400,
    status(400, 'TypeError: nothing\n    at decode (/srv/app/decode.js:12:7)\n'),
  ),
};
