/** What a certificate must not say because a request asked for it. */
import {
  basicConstraintsExtension,
  decodeBasicConstraints,
  decodeExtendedKeyUsage,
  der,
  extendedKeyUsageExtension,
  findExtension,
  keyUsageExtension,
  oid,
} from '@scepter/x509';
import type { Certificate, Extension } from '@scepter/x509';
import { noneWrong, pass, verdict } from '../check.ts';
import type { Check, Outcome } from '../check.ts';
import { furtherAttempt, needEnrollment, readEnrollment } from '../device/enroll.ts';
import type { ServerUnderTest } from '../server-under-test.ts';
import { describeTransaction, isFailure, isRefused } from '../transaction.ts';
import { keyUsagesOf } from '../wire/authority.ts';
import { tryRequest } from '../abuse/try-request.ts';
import { weakCertificate, weakKeys, weakRequest } from '../abuse/weak-keys.ts';

/** Asks for an extension; a refusal is as good as a certificate without it. */
const asking =
  (extensions: readonly Extension[], problemsOf: (certificate: Certificate) => readonly string[]) =>
  async (server: ServerUnderTest): Promise<Outcome> => {
    const attempted = await furtherAttempt(server, { extensions });
    if (isFailure(attempted.transaction)) return pass(`refused: ${describeTransaction(attempted.transaction)}`);
    const { certificate } = readEnrollment(server, attempted);
    return noneWrong(problemsOf(certificate), 'issued without what was asked for');
  };

const authorityProblems = (certificate: Certificate): string[] => {
  const constraints = findExtension(certificate.extensions, oid.basicConstraints);
  const usages = keyUsagesOf(certificate) ?? [];
  return [
    ...(constraints !== undefined && decodeBasicConstraints(constraints.value).ca ? ['CA:TRUE'] : []),
    ...usages.filter((usage) => usage === 'keyCertSign' || usage === 'cRLSign'),
  ];
};

const dangerousPurposes: Readonly<Record<string, string>> = {
  [oid.anyExtendedKeyUsage]: 'anyExtendedKeyUsage',
  [oid.ocspSigning]: 'OCSPSigning',
  [oid.codeSigning]: 'codeSigning',
  [oid.smartCardLogon]: 'smart-card logon',
  [oid.certificateRequestAgent]: 'certificate request agent',
};

const purposeProblems = (certificate: Certificate): string[] => {
  const extension = findExtension(certificate.extensions, oid.extendedKeyUsage);
  if (extension === undefined) return ['no extendedKeyUsage at all, which allows every purpose'];
  return decodeExtendedKeyUsage(extension.value).flatMap((purpose) => dangerousPurposes[purpose] ?? []);
};

const sidExtension = (): Extension => {
  const sid = new TextEncoder().encode('S-1-5-21-1004336348-1177238915-682003330-500');
  const value = der.explicit(0, der.octetString(sid));
  const otherName = der.implicitConstructed(0, der.oid('1.3.6.1.4.1.311.25.2.1'), value);
  return { oid: oid.sidExtension, critical: false, value: der.sequence(otherName) };
};

const longestAnswerMs = 2_000;

export const certificateAbuse: readonly Check[] = [
  {
    id: 'abuse.csr-authority',
    title: 'a request for CA:TRUE gets no CA',
    section: 'RFC 5280 section 4.2.1.9',
    level: 'MUST',
    expected: 'FAILURE, or a certificate without CA:TRUE, keyCertSign and cRLSign',
    hint: 'Build extensions from the profile; copy none.',
    run: asking(
      [
        basicConstraintsExtension({ ca: true }),
        keyUsageExtension(['keyCertSign', 'cRLSign', 'digitalSignature', 'keyEncipherment']),
      ],
      authorityProblems,
    ),
  },
  {
    id: 'abuse.csr-purposes',
    title: 'a request for dangerous purposes gets none of them',
    section: 'practice (ESC1, ESC2, ESC3)',
    level: 'practice',
    expected: 'FAILURE, or a certificate without any, OCSP signing, code signing, logon and agent purposes',
    hint: 'Take purposes from the profile. An empty list must not come to mean every purpose.',
    run: asking([extendedKeyUsageExtension(Object.keys(dangerousPurposes))], purposeProblems),
  },
  {
    id: 'abuse.csr-sid',
    title: 'a request with a Windows SID does not get it certified',
    section: 'practice (KB5014754)',
    level: 'practice',
    expected: 'FAILURE, or a certificate without the extension 1.3.6.1.4.1.311.25.2',
    hint: 'With it, a device logs on to the domain as the user whose SID it wrote down.',
    run: asking([sidExtension()], ({ extensions }) =>
      findExtension(extensions, oid.sidExtension) === undefined ? [] : ['the SID stands in the certificate'],
    ),
  },
  {
    id: 'abuse.weak-keys',
    title: 'weak and silly keys get no certificate',
    section: 'practice (CA/Browser Forum BR 6.1.6)',
    level: 'practice',
    expected: 'a refusal of each within two seconds',
    hint: 'Look at the size and the exponent of a key before anything is verified with it; test for close primes.',
    run: async (server) => {
      await needEnrollment(server);
      const challenge = await server.takeChallenge();
      const problems: string[] = [];
      const seen = new Set<string>();
      for (const key of await weakKeys(server.options.randomBytes)) {
        const subject = server.newSubject();
        const certificate = weakCertificate(key, subject, server.serialNumber(), server.options.now());
        const { keys, privateKey } = await server.anyDevice();
        const device = { certificate, privateKey, keys, subject, sign: (data: Uint8Array) => key.sign(data) };
        const messageData = weakRequest(key, subject, challenge);
        const tried = await tryRequest(server, { messageData, device, digest: 'sha256' });
        if (!tried.refused) problems.push(`${key.name}: ${tried.seen}`);
        if (tried.durationMs > longestAnswerMs) problems.push(`${key.name}: ${Math.round(tried.durationMs)} ms`);
        seen.add(tried.seen);
      }
      return noneWrong(problems, [...seen].join('; '));
    },
  },
  {
    id: 'abuse.foreign-envelope',
    title: 'a request encrypted to somebody else gets nothing',
    section: '3.1',
    level: 'MUST',
    expected: 'a refusal',
    hint: 'Only the recipients of the envelope say whom it is for.',
    run: async (server) => {
      const device = await server.anyDevice();
      const { transaction } = await furtherAttempt(server, { plan: { recipients: [device.certificate] } });
      return verdict(isRefused(transaction), describeTransaction(transaction));
    },
  },
];
