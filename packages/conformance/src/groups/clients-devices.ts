/** What Windows and Apple's devices do. */
import { createPkiRequest } from '@scepter/scep';
import { der, oid, tag } from '@scepter/x509';
import { notApplicable, pass, verdict } from '../check.ts';
import type { Check } from '../check.ts';
import { buildCanary, findCanary } from '../device/canary.ts';
import { selfSigned } from '../device/device.ts';
import { attempt } from '../device/enroll.ts';
import { rawStatus } from '../http/raw-socket.ts';
import { describeAnswer, describeTransaction, requireReply } from '../transaction.ts';
import { messageTypes } from '../wire/object-identifiers.ts';
import { byGet, canaryBy, enrolling, judgeLikePlain, latin1 } from './clients-ways.ts';

export const windows: readonly Check[] = [
  {
    id: 'clients.windows-message',
    title: 'Windows: GetCACaps and GetCACert with message=default',
    section: '3.5.1, 4.2',
    level: 'practice',
    expected: 'the same answers: the message is no request data',
    hint: 'Ignore values that name no CA of yours.',
    run: async (server) => {
      const plain = await server.caCertificatesAnswer();
      const capabilities = await server.get('GetCACaps', { message: 'default' });
      const certificates = await server.get('GetCACert', { message: 'default' });
      const same = capabilities.status === 200 && Buffer.compare(certificates.body, plain.body) === 0;
      return verdict(same, `${describeAnswer(capabilities)}; ${describeAnswer(certificates)}`);
    },
  },
  {
    id: 'clients.windows-oaep',
    title: 'Windows: the content key under RSAES-OAEP',
    section: 'practice (Windows, VMware)',
    level: 'practice',
    expected: 'SUCCESS',
    hint: 'Windows 11 sends nothing else; accept OAEP with SHA-1 and absent parameters.',
    run: enrolling(async () => ({ plan: { transport: 'oaep-sha1' } })),
  },
  {
    id: 'clients.windows-oaep-sha256',
    title: 'Windows: the content key under RSAES-OAEP with SHA-256',
    section: 'practice (Windows)',
    level: 'practice',
    expected: 'SUCCESS',
    hint: 'Read the parameters: hash and mask generation.',
    run: enrolling(async () => ({ plan: { transport: 'oaep-sha256' } })),
  },
  {
    id: 'clients.windows-signer',
    title: 'Windows: signed as "SCEP Protocol Certificate", with a critical authority key identifier',
    section: '2.3',
    level: 'SHOULD',
    expected: 'SUCCESS: only the key has to be that of the request',
    hint: 'Do not compare the names, and do not judge the extensions of a self-signed certificate.',
    run: enrolling(async (server) => {
      const device = await server.newDevice();
      const certificate = selfSigned({
        keys: device.keys,
        subject: 'CN=SCEP Protocol Certificate',
        serialNumber: server.serialNumber(),
        now: server.options.now(),
        digest: 'sha1',
        extensions: [
          {
            oid: oid.authorityKeyIdentifier,
            critical: true,
            value: der.sequence(der.implicitPrimitive(0, server.options.randomBytes(20))),
          },
        ],
      });
      return { device, signer: { ...device, certificate } };
    }),
  },
  {
    id: 'clients.windows-attributes',
    title: "Windows: Microsoft's attributes in the request",
    section: 'practice (MS-WCCE)',
    level: 'practice',
    expected: 'SUCCESS, the attributes ignored',
    hint: 'Ignore attributes that are not known.',
    run: enrolling(async () => ({
      attributes: [
        { oid: '1.3.6.1.4.1.311.13.2.3', values: [der.ia5String('10.0.26100.2')] },
        {
          oid: '1.3.6.1.4.1.311.13.2.2',
          values: [der.sequence(der.integer(1), encodeBmp('Microsoft Software KSP'), der.bitString(new Uint8Array()))],
        },
      ],
    })),
  },
  {
    id: 'clients.long-challenge',
    title: 'Intune: a challenge of 8 KB is read',
    section: 'practice (Intune)',
    level: 'practice',
    expected: 'a CertRep, as for any wrong challenge',
    hint: "PKCS#9's bound of 255 characters does not hold for Intune's challenges.",
    run: async (server) => {
      const { transaction } = await attempt(server, { device: await server.anyDevice(), challenge: 'x'.repeat(8192) });
      requireReply(transaction);
      return pass(describeTransaction(transaction));
    },
  },
  {
    id: 'clients.tls-1-2',
    title: 'Windows: TLS 1.2 without a client certificate',
    section: 'practice (Windows)',
    level: 'practice',
    expected: 'an answer over TLS 1.2',
    hint: 'Allow TLS 1.2, and ask for no client certificate on this port.',
    run: async (server) => {
      if (server.transport.url.protocol !== 'https:') return notApplicable('the URL is http');
      const target = server.transport.target({ query: 'operation=GetCACaps' });
      const text = `GET ${target} HTTP/1.1\r\nHost: ${server.transport.url.host}\r\nConnection: close\r\n\r\n`;
      const answer = await server.transport.raw({ pieces: [latin1(text)] }, { maxVersion: 'TLSv1.2' });
      return verdict(rawStatus(answer) === 200, `HTTP ${rawStatus(answer) ?? 'none'} (${answer.end})`);
    },
  },
];

const encodeBmp = (text: string): Uint8Array => {
  const encoded = der.octetString(Uint8Array.from(Buffer.from(text, 'utf16le').swap16()));
  encoded[0] = tag.bmpString;
  return encoded;
};

export const apple: readonly Check[] = [
  {
    id: 'clients.apple-get',
    title: 'Apple: GET with + and / as they are',
    section: '4.1',
    level: 'practice',
    expected: 'the answer to the plain message',
    hint: 'A + that became a space is a + in base64.',
    run: byGet((base64) => base64.replaceAll('=', '%3D')),
  },
  {
    id: 'clients.apple-ber',
    title: 'Apple, jscep: BER with indefinite lengths and chunks',
    section: 'RFC 5652 section 2',
    level: 'MUST',
    expected: 'the answer to the plain message',
    hint: 'CMS is BER; only signed attributes and certificates are DER.',
    run: async (server) => {
      const { plain, plan } = await findCanary(server);
      requireReply(plain);
      const [transactionId, senderNonce] = [server.newTransactionId(), server.options.randomBytes(16)];
      const bytes = createPkiRequest({
        messageType: plan.messageType === messageTypes.CertPoll ? 'CertPoll' : 'PKCSReq',
        content: plan.messageData,
        transactionId,
        senderNonce,
        recipients: [await server.recipient()],
        contentCipher: server.algorithms.cipher,
        keyTransport: { kind: 'pkcs1' },
        digest: server.algorithms.digest,
        signer: plan.device,
        framing: 'ber',
        randomBytes: server.options.randomBytes,
      });
      return judgeLikePlain(plain, await server.send({ bytes, device: plan.device, transactionId, senderNonce }));
    },
  },
  {
    id: 'clients.apple-short-nonce',
    title: 'old iOS: a nonce of 8 bytes comes back as it is',
    section: '3.2.1.5',
    level: 'practice',
    expected: 'the 8 bytes as recipientNonce',
    hint: 'Copy the nonce, whatever its length.',
    run: async (server) => {
      const senderNonce = server.options.randomBytes(8);
      const transaction = await server.send(await buildCanary(server, { senderNonce }));
      const { recipientNonce } = requireReply(transaction);
      return verdict(
        Buffer.compare(recipientNonce ?? new Uint8Array(), senderNonce) === 0,
        `${recipientNonce?.length ?? 0} bytes`,
      );
    },
  },
  {
    id: 'clients.attribute-order',
    title: 'signed attributes out of DER order are verified as received',
    section: 'RFC 5652 section 5.4',
    level: 'practice',
    expected: 'the answer to the plain message',
    hint: 'Verify over the received bytes; do not sort them.',
    run: canaryBy((server, request) => server.send(request), { spoilMessage: { reverseAttributes: true } }),
  },
];
