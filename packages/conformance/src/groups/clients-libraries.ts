/** What network devices and the client libraries do. */
import { der, encodeExtensions, keyUsageExtension, oid, tag } from '@scepter/x509';
import { fail, notApplicable, pass, verdict } from '../check.ts';
import type { Check } from '../check.ts';
import { buildCanary, findCanary } from '../device/canary.ts';
import { furtherAttempt, needEnrollment, readEnrollment } from '../device/enroll.ts';
import { escapedBase64 } from '../server-under-test.ts';
import { describeAnswer, describeTransaction, isFailure, isSuccess, requireReply } from '../transaction.ts';
import { requestAttributes } from '../wire/forge-message.ts';
import { messageTypes, wireOid } from '../wire/object-identifiers.ts';
import { byGet, canaryBy, enrolling, judgeLikePlain, rawGet } from './clients-ways.ts';

const everySixtyFour = (base64: string, lineEnd: string): string =>
  (base64.match(/.{1,64}/g) ?? []).map((line) => `${encodeURIComponent(line)}${lineEnd}`).join('');

export const network: readonly Check[] = [
  {
    id: 'clients.cisco-http-1-0',
    title: 'Cisco: HTTP/1.0 without Host',
    section: 'practice (Cisco IOS)',
    level: 'practice',
    expected: 'HTTP 200',
    hint: 'Do not choose the service by the Host header alone.',
    run: rawGet((target) => [`GET ${target} HTTP/1.0`, 'User-Agent: Mozilla/4.0 (compatible; MSIE 5.0; Cisco PKI)']),
  },
  {
    id: 'clients.strongswan-no-host',
    title: 'strongSwan: HTTP/1.1 without Host',
    section: 'practice (strongSwan)',
    level: 'practice',
    expected: 'HTTP 200',
    hint: 'HTTP/1.1 calls for a 400 (RFC 9112 section 3.2); strongSwan sends GETs so all the same.',
    run: rawGet((target) => [`GET ${target} HTTP/1.1`, 'Connection: close']),
  },
  {
    id: 'clients.cisco-get',
    title: 'Cisco, strongSwan: GET with %0A after every 64 characters',
    section: '4.1',
    level: 'practice',
    expected: 'the answer to the plain message',
    hint: 'Skip white space in base64.',
    run: byGet((base64) => everySixtyFour(base64, '%0A')),
  },
  {
    id: 'clients.get-without-padding',
    title: 'GET whose base64 lacks its padding',
    section: '4.1',
    level: 'practice',
    expected: 'the answer to the plain message',
    hint: 'The padding says nothing that the length does not.',
    run: byGet((base64) => encodeURIComponent(base64.replaceAll('=', '')), { padded: true }),
  },
  {
    id: 'clients.long-get',
    title: 'GET with an URL of 20 KB',
    section: '4.1',
    level: 'practice',
    expected: 'a CertRep; an Intune challenge makes a message so long',
    hint: 'Raise the limit of the request line, also on proxies; 64 KB is enough.',
    run: async (server) => {
      const ordinary = await server.getOperation(await buildCanary(server));
      if (ordinary.reply === undefined) return notApplicable('PKIOperation by GET is not served');
      const { plan } = await findCanary(server);
      const { keys } = await server.anyDevice();
      const subject = `CN=scepter-probe,OU=${'long '.repeat(40)}unit`;
      const device = await server.newDevice({ keys, subject });
      const certificates = padded(device.certificate.encoded);
      const request = await server.build({ ...plan, device, spoilMessage: { certificates } });
      const escaped = escapedBase64(request.bytes);
      const transaction = await server.getOperation(request, escaped);
      return verdict(
        transaction.reply !== undefined,
        `${escaped.length} characters: ${describeTransaction(transaction)}`,
      );
    },
  },
  {
    id: 'clients.no-content-type',
    title: 'sscep, strongSwan: POST without Content-Type',
    section: '4.3',
    level: 'practice',
    expected: 'the answer to the plain message',
    hint: 'Read the body whatever it is called.',
    run: canaryBy((server, request) => server.post(request, { headers: {} })),
  },
  {
    id: 'clients.octet-stream',
    title: 'jscep: POST as application/octet-stream',
    section: '4.3',
    level: 'practice',
    expected: 'the answer to the plain message',
    hint: 'Read the body whatever it is called.',
    run: canaryBy((server, request) =>
      server.post(request, { headers: { 'content-type': 'application/octet-stream' } }),
    ),
  },
  {
    id: 'clients.post-without-operation',
    title: 'POST without an operation',
    section: '4.3',
    level: 'practice',
    expected: 'the answer to the plain message',
    hint: 'Many CAs do not even notice its absence, says the RFC.',
    run: canaryBy((server, request) => server.post(request, { query: '' })),
  },
];

export const libraries: readonly Check[] = [
  {
    id: 'clients.certmonger-walk',
    title: 'certmonger: GetCACert&message=0, 1, 2',
    section: 'practice (certmonger)',
    level: 'practice',
    expected: 'the same certificates each time, or a 4xx',
    hint: 'certmonger walks through the numbers until nothing new comes.',
    run: async (server) => {
      const plain = await server.caCertificatesAnswer();
      const seen: string[] = [];
      for (const message of ['0', '1', '2']) {
        const answer = await server.get('GetCACert', { message });
        const same = answer.status === 200 && Buffer.compare(answer.body, plain.body) === 0;
        if (!same && (answer.status < 400 || answer.status >= 500))
          return fail(`message=${message}: ${describeAnswer(answer)}`);
        seen.push(String(answer.status));
      }
      return pass(`HTTP ${seen.join(', ')}`);
    },
  },
  {
    id: 'clients.certmonger-chain',
    title: 'certmonger: the obsolete GetCAChain',
    section: 'practice (certmonger)',
    level: 'practice',
    expected: 'a 4xx, or certificates',
    hint: 'A 5xx ends the enrollment.',
    run: async (server) => {
      const answer = await server.get('GetCAChain');
      return verdict(answer.status === 200 || (answer.status >= 400 && answer.status < 500), describeAnswer(answer));
    },
  },
  {
    id: 'clients.strongswan-signature',
    title: 'strongSwan 5.9: the signature algorithm is rsaEncryption',
    section: 'practice (strongSwan)',
    level: 'practice',
    expected: '1.2.840.113549.1.1.1 in the SignerInfo',
    hint: 'RFC 3370 section 3.2 allows it; strongSwan 5.9.8 verifies no other.',
    run: async (server) => {
      const { plain } = await findCanary(server);
      const algorithm = requireReply(plain).signers[0]?.signatureAlgorithm.oid ?? 'none';
      return verdict(algorithm === oid.rsaEncryption, algorithm);
    },
  },
  {
    id: 'clients.base64-transaction',
    title: 'scepclient: a transactionID in base64 comes back as it is',
    section: '3.2.1.1',
    level: 'MUST',
    expected: 'the same text with + / and =',
    hint: 'It is a string of the client; do not parse it.',
    run: async (server) => {
      const transactionId = 'q+7/0aBcD+/eFgHiJkLmNoPqRsTuV/wxyz0123456=';
      const transaction = await server.send(await buildCanary(server, { transactionId }));
      const seen = requireReply(transaction).transactionId;
      return verdict(seen === transactionId, seen ?? 'none');
    },
  },
  {
    id: 'clients.sscep-serial',
    title: 'sscep: a self-signed certificate with a serial number of 32 bytes',
    section: 'practice (sscep)',
    level: 'practice',
    expected: 'the answer to the plain message',
    hint: "The client's own certificate need not keep to RFC 5280.",
    run: async (server) => {
      const { plain } = await findCanary(server);
      const { keys, subject } = await server.anyDevice();
      const device = await server.newDevice({ keys, subject, serialNumber: server.serialNumber(32) });
      return judgeLikePlain(plain, await server.send(await buildCanary(server, { device })));
    },
  },
  {
    id: 'clients.several-recipients',
    title: 'scepclient: encrypted to every certificate of GetCACert',
    section: 'RFC 5652 section 6.2',
    level: 'practice',
    expected: 'SUCCESS, wherever the recipient of the server stands in the list',
    hint: 'Look for your own RecipientInfo; do not take the first.',
    run: async (server) => {
      await needEnrollment(server);
      const { all } = await server.roles();
      const recipient = await server.recipient();
      const device = await server.anyDevice();
      const others = [...all, device.certificate].filter(
        (certificate) => certificate !== recipient && certificate.publicKey.key.kind === 'rsa',
      );
      const recipients = [...others, recipient];
      return enrolling(async () => ({ plan: { recipients } }))(server);
    },
  },
  {
    id: 'clients.strongswan-capabilities',
    title: 'strongSwan 5.9.8: GetCACaps names SHA-384',
    section: 'practice (strongSwan)',
    level: 'practice',
    expected: 'SHA-384 beside the other digests',
    hint: 'It takes AES with SHA-256 as supported only where it sees SHA-384; the keyword is not in the RFC, and harmless.',
    run: async (server) => {
      const named = await server.announces('SHA-384');
      return verdict(named, named ? 'SHA-384' : (await server.capabilityLines()).join(' '));
    },
  },
  {
    id: 'clients.slow-clock',
    title: 'a signingTime of 1970 is no reason to refuse',
    section: '3.2.1.4',
    level: 'practice',
    expected: 'the answer to the plain message',
    hint: 'Devices without NTP start in 1970 and need a certificate to come further; badTime is optional.',
    run: async (server) => {
      const { plain, plan } = await findCanary(server);
      requireReply(plain);
      const messageType = plan.messageType ?? messageTypes.PKCSReq;
      const [transactionId, senderNonce] = [server.newTransactionId(), server.options.randomBytes(16)];
      const attributes = [
        ...requestAttributes({ messageType, transactionId, senderNonce }),
        { type: wireOid.signingTime, values: [der.time(new Date(0))] },
      ];
      return judgeLikePlain(plain, await server.request({ ...plan, transactionId, senderNonce, attributes }));
    },
  },
  {
    id: 'clients.cisco-extensions',
    title: 'Cisco: requested extensions inside a T61String',
    section: 'practice (Cisco IOS)',
    level: 'practice',
    expected: 'SUCCESS or FAILURE',
    hint: 'IOS 15.7 sends them so; an exception is no answer.',
    run: async (server) => {
      const wrapped = der.octetString(encodeExtensions([keyUsageExtension(['digitalSignature'])]));
      wrapped[0] = tag.teletexString;
      const attributes = [{ oid: oid.extensionRequest, values: [wrapped] }];
      const { transaction } = await furtherAttempt(server, { attributes });
      requireReply(transaction);
      return verdict(isSuccess(transaction) || isFailure(transaction), describeTransaction(transaction));
    },
  },
  {
    id: 'clients.cisco-names',
    title: 'Cisco: a subject with several attributes in one RDN',
    section: 'practice (Cisco IOS)',
    level: 'practice',
    expected: 'SUCCESS with the subject as it is',
    hint: 'Copy the encoding of the name; do not take it apart.',
    run: async (server) => {
      await needEnrollment(server);
      if (server.options.subject !== undefined && !server.options.subject.includes('{n}')) {
        return notApplicable('the subject is given, and has no {n}');
      }
      const plain = await server.newDevice();
      const subject = `serialNumber=9A1B+${plain.subject}`;
      const { certificate } = readEnrollment(server, await furtherAttempt(server, { device: { ...plain, subject } }));
      const severalInOne = certificate.subject.rdns.some((attributes) => attributes.length > 1);
      return verdict(severalInOne, severalInOne ? 'kept' : 'taken apart');
    },
  },
];

/** The same certificate several times over: a longer message that says the same. */
const padded = (certificate: Uint8Array): Uint8Array[] => Array.from({ length: 14 }, () => certificate);
