/** Faults of enrollment, renewal, polling and queries. */
import { encodeCertsOnly } from '@scepter/scep';
import { basicConstraintsExtension, decodeCertificate, der, keyIdentifier, parseName } from '@scepter/x509';
import { forgeMessage } from '../../src/wire/forge-message.ts';
import { wireOid } from '../../src/wire/object-identifiers.ts';
import { certify, createAuthority, fieldsFor, newKeys, signCrl } from '../small-authority.ts';
import { honestCapabilities } from '../small-behaviour.ts';

import { bytes, dayMs, skipping, refusing, withAttribute, certificate, isRenewal } from './fault.ts';
import type { Fault } from './fault.ts';

export const enrollmentFaults: Record<string, Fault> = {
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
  'enroll.shared-transaction': skipping('request of a transaction'),
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

export const renewalFaults: Record<string, Fault> = {
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

export const pollFaults: Record<string, Fault> = {
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

export const queryFaults: Record<string, Fault> = {
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
