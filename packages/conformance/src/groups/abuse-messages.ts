/** What must get no certificate: messages that are wrong on purpose. */
import { der, oid } from '@scepter/x509';
import { fail, noneWrong, notApplicable, pass, verdict } from '../check.ts';
import type { Check, Outcome } from '../check.ts';
import { certificationRequest } from '../device/device.ts';
import type { Device } from '../device/device.ts';
import { attempt, needEnrollment, refusedAttempt } from '../device/enroll.ts';
import type { ServerUnderTest } from '../server-under-test.ts';
import { isSuccess } from '../transaction.ts';
import type { RequestPlan } from '../transaction.ts';
import { tryRequest } from '../abuse/try-request.ts';
import type { Tried } from '../abuse/try-request.ts';
import { forgeEnvelope, issuerAndSerial } from '../wire/forge-envelope.ts';
import { forgeSignerInfo, requestAttributes } from '../wire/forge-message.ts';
import type { ForgedAttribute } from '../wire/forge-message.ts';
import { messageTypes, wireOid } from '../wire/object-identifiers.ts';
import { corruptions, tryCorruptions } from '../abuse/oracle.ts';

interface Attack extends Tried {
  readonly name: string;
}

/** Every one of them refused, in whatever way. */
const allRefused = (attacks: readonly Attack[]): Outcome =>
  noneWrong(
    attacks.flatMap(({ name, refused, seen }) => (refused ? [] : [`${name}: ${seen}`])),
    [...new Set(attacks.map(({ seen }) => seen))].join('; '),
  );

/** A PKCS#10 that would get a certificate, where there is a challenge that may be spent on it. */
const goodRequest = async (server: ServerUnderTest, device: Device): Promise<Uint8Array> => {
  const challenge = server.hasChallenges ? await server.takeChallenge() : undefined;
  return certificationRequest({ keys: device.keys, subject: device.subject, challenge });
};

const withType = (server: ServerUnderTest, values: readonly Uint8Array[] | undefined): readonly ForgedAttribute[] => {
  const honest = requestAttributes({
    messageType: messageTypes.PKCSReq,
    transactionId: server.newTransactionId(),
    senderNonce: server.options.randomBytes(16),
  }).filter(({ type }) => type !== wireOid.messageType);
  return values === undefined ? honest : [...honest, { type: wireOid.messageType, values }];
};

const strangeTypes: readonly (readonly [name: string, values: readonly Uint8Array[] | undefined])[] = [
  ...['0', '1', '2', '3', '18', '23', '-1', '019', '19 ', ' 19', '119', ''].map(
    (text) => [JSON.stringify(text), [der.printableString(text)]] as const,
  ),
  ['an INTEGER', [der.integer(19)]],
  ['two values', [der.printableString('19'), der.printableString('20')]],
  ['two values, both 19', [der.printableString('19'), der.printableString('19')]],
  ['no value', []],
  ['none', undefined],
];

/** As CVE-2026-30836 and CVE-2025-44005 were: a type that the check of the challenge does not know. */
const withoutChallenge = async (server: ServerUnderTest): Promise<(readonly [string, Partial<RequestPlan>])[]> => {
  const device = await server.anyDevice();
  const messageData = certificationRequest({ keys: device.keys, subject: device.subject, challenge: undefined });
  return ['0', '1', '18', '23'].map((type) => [
    `"${type}" without a challenge`,
    { device, messageData, attributes: withType(server, [der.printableString(type)]) },
  ]);
};

/** Attacks with the best request there is, each in a device of its own. */
const attack = async (
  server: ServerUnderTest,
  plans: readonly (readonly [string, Partial<RequestPlan>])[],
): Promise<Outcome> => {
  const attacks: Attack[] = [];
  for (const [name, plan] of plans) {
    const device = await server.newDevice({ keys: (await server.anyDevice()).keys });
    const messageData = plan.messageData ?? (await goodRequest(server, device));
    attacks.push({ name, ...(await tryRequest(server, { messageData, device, ...plan })) });
  }
  return allRefused(attacks);
};

const signing: readonly Check[] = [
  {
    id: 'abuse.message-type',
    title: 'unknown, doubled and missing message types get nothing',
    section: '3.2.1.2',
    level: 'MUST',
    expected: 'a refusal of each',
    hint: 'Compare with the known types before anything else (CVE-2026-30836, CVE-2025-44005).',
    run: async (server) =>
      attack(server, [
        ...strangeTypes.map(([name, values]) => [name, { attributes: withType(server, values) }] as const),
        ...(await withoutChallenge(server)),
      ]),
  },
  {
    id: 'abuse.swapped-content',
    title: 'content other than the signed gets nothing',
    section: '3.2; RFC 5652 section 5.6',
    level: 'MUST',
    expected: 'badMessageCheck, or a 4xx',
    hint: 'Compare messageDigest with the content that was received.',
    run: async (server) => {
      const device = await server.newDevice({ keys: (await server.anyDevice()).keys });
      const messageData = await goodRequest(server, device);
      const recipients = [await server.recipient()];
      const { cipher } = server.algorithms;
      const swappedContent = forgeEnvelope({
        content: messageData,
        recipients,
        cipher,
        randomBytes: server.options.randomBytes,
      });
      return attack(server, [['swapped', { device, messageData, spoilMessage: { swappedContent } }]]);
    },
  },
  {
    id: 'abuse.signed-attributes',
    title: 'messages without their signed attributes get nothing',
    section: '3.2; RFC 5652 section 5.3',
    level: 'MUST',
    expected: 'a refusal of each',
    hint: 'Require signed attributes, contentType and messageDigest among them.',
    run: async (server) =>
      attack(server, [
        ['no signed attributes', { spoilMessage: { omitSignedAttributes: true } }],
        ['no messageDigest', { spoilMessage: { omitMessageDigest: true } }],
        ['no contentType', { spoilMessage: { omitContentType: true } }],
        ['another eContentType', { spoilMessage: { eContentType: wireOid.envelopedData } }],
      ]),
  },
  {
    id: 'abuse.two-signers',
    title: 'a message with two signers gets nothing',
    section: '3.2',
    level: 'practice',
    expected: 'a refusal',
    hint: 'Two readers could each believe another one.',
    run: async (server) => {
      const device = await server.newDevice({ keys: (await server.anyDevice()).keys });
      const other = await server.newDevice();
      const attributes = withType(server, [der.printableString(messageTypes.PKCSReq)]);
      const further = forgeSignerInfo({ content: new Uint8Array(), attributes, signer: other, digest: 'sha256' });
      const certificates = [device.certificate.encoded, other.certificate.encoded];
      return attack(server, [['two signers', { device, spoilMessage: { furtherSigners: [further], certificates } }]]);
    },
  },
  {
    id: 'abuse.signer-identifier',
    title: 'a signer identifier of somebody else gets nothing',
    section: 'RFC 5652 section 5.3',
    level: 'MUST',
    expected: 'a refusal',
    hint: 'Take the certificate that the identifier names, and verify with that.',
    run: async (server) => {
      const { all } = await server.roles();
      const [authority] = all;
      if (authority === undefined) return notApplicable('there is no certificate to name');
      const device = await server.newDevice({ keys: (await server.anyDevice()).keys });
      const certificates = [device.certificate.encoded, authority.encoded];
      return attack(server, [
        ["the CA's", { device, spoilMessage: { identifier: issuerAndSerial(authority), certificates } }],
        ['no certificate', { device, spoilMessage: { certificates: [] } }],
      ]);
    },
  },
  {
    id: 'abuse.signer-key',
    title: 'a self-signed signer with another key than the request gets nothing',
    section: '2.3',
    level: 'MUST',
    expected: 'a refusal',
    hint: 'Otherwise whoever captures a request can have its answer encrypted to a key of his own.',
    run: async (server) => {
      const device = await server.newDevice();
      const signer = await server.newDevice({ subject: device.subject });
      const messageData = await goodRequest(server, device);
      return attack(server, [['another key', { device: signer, messageData }]]);
    },
  },
];

const sealed: readonly Check[] = [
  {
    id: 'abuse.oracle',
    title: 'every failure behind the envelope looks the same',
    section: 'practice (Bleichenbacher)',
    level: 'practice',
    expected: 'one answer to all corruptions of key, padding and content, byte for byte but for nonces',
    hint: 'Whoever captured a request can sign it anew with changes, and read the challenge off the differences.',
    run: async (server) => {
      const { csr } = await refusedAttempt(server);
      const rows = await tryCorruptions(server, csr, 2);
      if (rows.some(({ summary }) => summary === 'SUCCESS')) return fail('a certificate was issued');
      const answers = [...Map.groupBy(rows, ({ seen }) => seen).values()];
      const summary = answers.map((same) => `${same.map(({ name }) => name).join(', ')}: ${same[0]?.summary ?? ''}`);
      if (answers.length > 1) return fail(`${answers.length} different answers: ${summary.join('; ')}`);
      const durations = timing(rows.flatMap(({ durationsMs }) => durationsMs));
      return pass(`${corruptions.length} corruptions, one answer: ${rows[0]?.summary ?? ''}; ${durations}`);
    },
  },
  {
    id: 'abuse.weak-algorithms',
    title: 'MD5 and single DES get nothing',
    section: '2.9',
    level: 'MUST',
    expected: 'FAILURE badAlg, or a 4xx',
    hint: 'Serve devices that know nothing else on an endpoint of their own, if at all.',
    run: async (server) => {
      if (server.options.algorithms === 'legacy')
        return notApplicable('asked for an endpoint that serves them (--algorithms legacy)');
      return attack(server, [
        ['MD5', { digest: 'md5' }],
        ['single DES', { cipher: 'des-cbc' }],
      ]);
    },
  },
];

const timing = (durationsMs: readonly number[]): string => {
  const sorted = durationsMs.toSorted((left, right) => left - right);
  const at = (share: number): string => (sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(1);
  return `${at(0)} to ${at(1)} ms, median ${at(0.5)} (for information)`;
};

const challenges: readonly Check[] = [
  {
    id: 'abuse.challenge-forms',
    title: 'empty, doubled and ambiguous challenges get nothing',
    section: '2.4, 7.3',
    level: 'practice',
    expected: 'a refusal of each, also where one of two is right',
    hint: 'Exactly one attribute with exactly one value; an empty challenge is none.',
    run: async (server) => {
      const right = server.hasChallenges ? await server.takeChallenge() : 'right';
      const attribute = (...values: readonly string[]) => ({
        oid: oid.challengePassword,
        values: values.map((value) => der.utf8String(value)),
      });
      const forms = [
        ['an empty one', [attribute('')]],
        ['a blank one', [attribute(' ')]],
        ['two values', [attribute('wrong', right)]],
        ['two attributes', [attribute('wrong'), attribute(right)]],
        ['no value', [attribute()]],
      ] as const;
      const attacks: Attack[] = [];
      for (const [name, attributes] of forms) {
        const device = await server.newDevice({ keys: (await server.anyDevice()).keys });
        const csr = certificationRequest({
          keys: device.keys,
          subject: device.subject,
          challenge: undefined,
          attributes,
        });
        const tried = await tryRequest(server, { messageData: csr, device });
        // Where a person decides, every request waits.
        attacks.push({ name, ...tried, refused: tried.refused || tried.seen === 'PENDING' });
      }
      return allRefused(attacks);
    },
  },
  {
    id: 'abuse.challenge-parallel',
    title: 'one challenge, many requests at once: one certificate',
    section: '2.4, 7.3',
    level: 'MUST',
    expected: 'one SUCCESS at most',
    hint: 'Use the challenge up in the transaction that records the certificate; do not check it first.',
    run: async (server) => {
      if (server.options.challenge?.kind !== 'fresh')
        return notApplicable('needs fresh one-time challenges (--challenge-command)');
      await needEnrollment(server);
      const challenge = await server.takeChallenge();
      const devices = await Promise.all(Array.from({ length: parallelRequests }, () => server.newDevice()));
      const attempts = await Promise.all(devices.map((device) => attempt(server, { device, challenge })));
      const issued = attempts.filter(({ transaction }) => isSuccess(transaction)).length;
      return verdict(issued <= 1, `${issued} certificates of ${parallelRequests} requests`);
    },
  },
];

const parallelRequests = 10;

export const messageAbuse: readonly Check[] = [...signing, ...sealed, ...challenges];
