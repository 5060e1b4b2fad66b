/** For every check a server that gets just this wrong. */
import { encodeCertsOnly } from '@scepter/scep';
import {
  Asn1Reader,
  basicConstraintsExtension,
  decodeCertificate,
  der,
  encodeAlgorithmIdentifier,
  encodePem,
  equalBytes,
  keyIdentifier,
  keyUsageExtension,
  namesEqual,
  oid,
  parseName,
  publicKeyInfoOf,
} from '@scepter/x509';
import type { ProbeOptions } from '../src/index.ts';
import { forgeMessage, forgeSignerInfo } from '../src/wire/forge-message.ts';
import type { ForgedAttribute, MessageOptions, MessageSpoiler } from '../src/wire/forge-message.ts';
import { wireOid } from '../src/wire/object-identifiers.ts';
import { certify, createAuthority, fieldsFor, newKeys, signCrl } from './small-authority.ts';
import { honestCapabilities } from './small-server.ts';
import type { Answer, Asked, Behaviour, Received } from './small-server.ts';

export interface Fault {
  readonly server: () => Behaviour;
  /** What the probe is told besides. */
  readonly probe?: Partial<ProbeOptions>;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const dayMs = 86_400_000;

/** Answers that a condition picks, rewritten. */
const http = (
  picks: (received: Received, answer: Answer) => boolean,
  rewrite: (answer: Answer) => Partial<Answer>,
): Fault => ({
  server: () => ({
    http: (received, answer) => (picks(received, answer) ? { ...answer, ...rewrite(answer) } : answer),
  }),
});
const status =
  (code: number, text = 'wrong') =>
  (): Answer => ({ status: code, contentType: 'text/plain', body: bytes(text) });
const asks = (operation: string) => (received: Received) => received.operation === operation;

const capabilities = (text: string): Fault => ({ server: () => ({ capabilities: text }) });
const skipping = (...skip: NonNullable<Behaviour['skip']>): Fault => ({ server: () => ({ skip }) });
const refusing = (refuse: (asked: Asked) => boolean, failInfo = '2'): Fault => ({
  server: () => ({ refuse: (asked) => (refuse(asked) ? failInfo : undefined) }),
});
const spoiling = (spoil: (options: MessageOptions) => MessageSpoiler): Fault => ({
  server: () => ({ reply: (options) => ({ ...options, spoil: spoil(options) }) }),
});
/** Every reply with an attribute in another form. */
const attribute = (type: string, values: () => readonly Uint8Array[]): Fault => ({
  server: () => ({
    reply: (options) => ({ ...options, attributes: withAttribute(options.attributes, type, values()) }),
  }),
});
const withAttribute = (
  attributes: readonly ForgedAttribute[],
  type: string,
  values: readonly Uint8Array[],
): ForgedAttribute[] => [
  ...attributes.filter((each) => each.type !== type),
  ...(values.length === 0 ? [] : [{ type, values }]),
];
const certificate = (tweak: NonNullable<Behaviour['certificate']>): Fault => ({
  server: () => ({ certificate: tweak }),
});
const copyExtensions = certificate((fields, csr) => ({ ...fields, extensions: csr.extensions }));
const registrationUsage = (usage: 'digitalSignature' | 'keyEncipherment'): Fault => ({
  server: () => ({
    authority: (fields, role) =>
      role === 'registration' ? { ...fields, extensions: [keyUsageExtension([usage])] } : fields,
  }),
});
const isRenewal = ({ csr, message }: Asked): boolean =>
  csr !== undefined && !equalBytes(message.signer.publicKey.encoded, csr.publicKey.encoded);

const httpFaults: Record<string, Fault> = {
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

const capabilityFaults: Record<string, Fault> = {
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

const authorityFaults: Record<string, Fault> = {
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

const messageFaults: Record<string, Fault> = {
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

const enrollmentFaults: Record<string, Fault> = {
  'enroll.wrong-challenge': skipping('challenge'),
  'enroll.no-challenge': skipping('challenge'),
  'enroll.request-signature': skipping('request signature'),
  'enroll.success': refusing(({ type }) => type === '19'),
  'enroll.success-attributes': {
    server: () => ({
      reply: (options, state) => (state === 'SUCCESS' ? { ...options, spoil: { flipSignature: true } } : options),
    }),
  },
  'enroll.envelope': {
    server: () => ({ envelope: (options) => ({ ...options, spoil: { contentType: wireOid.signedData } }) }),
  },
  'enroll.recipient-identifier': {
    server: () => ({
      envelope: (options) => {
        const [recipient] = options.recipients;
        if (recipient === undefined) return options;
        const recipientIdentifier = der.implicitPrimitive(0, keyIdentifier(recipient.publicKey));
        return { ...options, spoil: { recipientIdentifier } };
      },
    }),
  },
  'enroll.degenerate': {
    server: () => ({
      contents: (certificates) =>
        forgeMessage({
          content: bytes('content'),
          attributes: [],
          signer: createAuthority().registration,
          digest: 'sha256',
          spoil: { certificates },
        }),
    }),
  },
  'enroll.certificate-first': {
    server: () => ({
      contents: (certificates) => encodeCertsOnly([createAuthority().authority.certificate.encoded, ...certificates]),
    }),
  },
  'enroll.issuer': {
    server: () => ({
      contents: (certificates) =>
        encodeCertsOnly(
          certificates.map((encoded) => {
            const { publicKey } = decodeCertificate(encoded);
            return certify(fieldsFor('CN=device', publicKey.encoded, []), newKeys().privateKey).encoded;
          }),
        ),
    }),
  },
  'enroll.subject': certificate((fields) => ({ ...fields, subject: parseName('CN=another') })),
  'enroll.serial-number': certificate((fields) => ({ ...fields, serialNumber: Uint8Array.of(5) })),
  'enroll.validity': certificate((fields) => ({ ...fields, notBefore: new Date(Date.now() + dayMs) })),
  'enroll.end-entity': certificate((fields) => ({
    ...fields,
    extensions: [...fields.extensions, basicConstraintsExtension({ ca: true })],
  })),
  'enroll.cipher-mirror': { server: () => ({ envelope: (options) => ({ ...options, cipher: 'des-ede3-cbc' }) }) },
  'enroll.retransmission': skipping('memory'),
  'enroll.fresh-reply': {
    server: () => {
      const nonces = new Map<string, Uint8Array>();
      return {
        reply: (options, _state, { message }) => {
          const nonce = nonces.get(message.transactionId) ?? message.senderNonce ?? new Uint8Array();
          nonces.set(message.transactionId, nonce);
          const attributes = withAttribute(options.attributes, wireOid.recipientNonce, [der.octetString(nonce)]);
          return { ...options, attributes };
        },
      };
    },
  },
  'enroll.challenge-reuse': {
    server: () => ({ oneTime: true, skip: ['challenge use'] }),
    probe: { challenge: { kind: 'one-time', challenge: 'once-1' } },
  },
  'enroll.aes-256': refusing(({ message }) => message.digest === 'sha512', '0'),
  'enroll.ec-key': skipping('key'),
  'enroll.second-certificate': {
    server: () => {
      const seen = new Set<string>();
      return {
        refuse: ({ csr }) => {
          const name = Buffer.from(csr?.subject.encoded ?? []).toString('hex');
          if (csr === undefined || !seen.has(name)) {
            seen.add(name);
            return undefined;
          }
          return '2';
        },
      };
    },
  },
};

const renewalFaults: Record<string, Fault> = {
  'renew.renewal-req': refusing(({ type }) => type === '17'),
  'renew.subject': certificate((fields, csr) =>
    csr.challengePassword === undefined ? { ...fields, subject: parseName('CN=another') } : fields,
  ),
  'renew.pkcs-req': refusing((asked) => asked.type === '19' && isRenewal(asked)),
  'renew.unannounced': {
    server: () => ({ capabilities: honestCapabilities.replace('Renewal\n', ''), unserved: ['17'] }),
  },
  'renew.self-signed': skipping('renewal signer'),
  'renew.look-alike': skipping('renewal signer'),
};

const pollFaults: Record<string, Fault> = {
  'poll.unknown-transaction': { server: () => ({ pollAnswer: () => ({ status: 'PENDING' }) }) },
  'poll.pending-envelope': {
    server: () => ({
      pendingPolls: 9,
      reply: (options, state) => (state === 'PENDING' ? { ...options, content: bytes('content') } : options),
    }),
  },
  'poll.decided': {
    server: () => ({ pendingPolls: 9, pollAnswer: () => ({ status: 'FAILURE', failInfo: '2' }) }),
  },
  'poll.after-issuance': { server: () => ({ pollAnswer: () => ({ status: 'FAILURE', failInfo: '2' }) }) },
};

const queryFaults: Record<string, Fault> = {
  'query.get-cert': {
    server: () => ({
      contents: (certificates, crls, { type }) =>
        encodeCertsOnly(type === '21' ? [createAuthority().authority.certificate.encoded] : certificates, crls),
    }),
  },
  'query.get-cert-unknown': refusing(({ type }) => type === '21', '3'),
  'query.get-crl': {
    server: () => ({
      contents: (certificates, crls) =>
        encodeCertsOnly(certificates, crls.length === 0 ? [] : [signCrl(new Date(Date.now() - 3_600_000))]),
    }),
  },
  'query.crl-alone': {
    server: () => ({
      contents: (certificates, crls) =>
        encodeCertsOnly([...certificates, createAuthority().authority.certificate.encoded], crls),
    }),
  },
  'query.same-transaction': {
    server: () => {
      const seen = new Set<string>();
      return {
        refuse: ({ message, type }) => {
          if (type !== '21' || !seen.has(message.transactionId)) {
            seen.add(message.transactionId);
            return undefined;
          }
          return '2';
        },
      };
    },
  },
};

const next = (content: () => Uint8Array, signer: 'authority' | 'registration'): Fault =>
  http(asks('GetNextCACert'), () => ({
    body: forgeMessage({ content: content(), attributes: [], signer: createAuthority()[signer], digest: 'sha256' }),
  }));

const rolloverFaults: Record<string, Fault> = {
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

const clientFaults: Record<string, Fault> = {
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
  'clients.cisco-names': certificate((fields) => ({ ...fields, subject: parseName('CN=a,O=b') })),
};

let freshChallenges = 0;

const abuseFaults: Record<string, Fault> = {
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

/** By the id of the check that has to notice. */
export const faults: Readonly<Record<string, Fault>> = {
  ...httpFaults,
  ...capabilityFaults,
  ...authorityFaults,
  ...messageFaults,
  ...enrollmentFaults,
  ...renewalFaults,
  ...pollFaults,
  ...queryFaults,
  ...rolloverFaults,
  ...clientFaults,
  ...abuseFaults,
};
