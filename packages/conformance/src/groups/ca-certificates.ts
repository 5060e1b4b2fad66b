/** GetCACert: RFC 8894 sections 2.1.2, 2.2 and 4.2. */
import {
  formatName,
  isSelfSigned,
  namesEqual,
  resolveSignatureAlgorithm,
  thumbprint,
  verifyCertificateSignature,
} from '@scepter/x509';
import type { Certificate } from '@scepter/x509';
import { fail, inconclusive, noneWrong, notApplicable, pass, verdict } from '../check.ts';
import type { CheckGroup } from '../check.ts';
import { describeAnswer } from '../transaction.ts';
import { isAuthority, keyUsagesOf, readOffered } from '../wire/authority.ts';

const nameOf = (certificate: Certificate): string => formatName(certificate.subject).slice(0, 60);

const keyProblems = (certificate: Certificate): string[] => {
  const { key } = certificate.publicKey;
  const problems: string[] = [];
  if (key.kind === 'rsa' && key.modulusBits < 2048) problems.push(`${nameOf(certificate)}: RSA ${key.modulusBits}`);
  if (key.kind === 'unknown') problems.push(`${nameOf(certificate)}: a kind of key that clients do not know`);
  const scheme = resolveSignatureAlgorithm(certificate.signatureAlgorithm);
  const weak = scheme?.digest === 'md5' || scheme?.digest === 'sha1';
  if (weak && !isSelfSigned(certificate)) problems.push(`${nameOf(certificate)}: signed with ${scheme.digest}`);
  return problems;
};

export const caCertificates: CheckGroup = {
  name: 'ca-certificates',
  checks: [
    {
      id: 'ca.decodes',
      title: 'GetCACert gives one certificate or a certificates-only message',
      section: '4.2.1',
      level: 'MUST',
      expected: 'one certificate in DER, or SignedData with certificates, no content and no signer',
      hint: 'PEM, HTML and signed messages are none of the two.',
      run: async (server) => {
        const answer = await server.caCertificatesAnswer();
        if (answer.status !== 200) return fail(describeAnswer(answer));
        try {
          const { certificates, form, hasContent, signers } = readOffered(answer.body);
          const clean = certificates.length > 0 && !hasContent && signers === 0;
          const names = certificates.map((certificate) => nameOf(certificate)).join('; ');
          return verdict(
            clean,
            `${form}: ${names}${signers === 0 ? '' : `; ${signers} signers`}${hasContent ? '; with content' : ''}`,
          );
        } catch (error) {
          return fail(`${describeAnswer(answer)}: ${error instanceof Error ? error.message : 'undecodable'}`);
        }
      },
    },
    {
      id: 'ca.content-type',
      title: 'the content type says which of the two it is',
      section: '4.2.1.1, 4.2.1.2',
      level: 'MUST',
      expected: 'application/x-x509-ca-cert for one certificate, application/x-x509-ca-ra-cert for several',
      hint: 'Clients decode by the content type.',
      run: async (server) => {
        const { form } = await server.offered();
        const answer = await server.caCertificatesAnswer();
        const wanted = form === 'one certificate' ? 'application/x-x509-ca-cert' : 'application/x-x509-ca-ra-cert';
        return verdict(answer.mediaType === wanted, `${form}: ${answer.contentType}`);
      },
    },
    {
      id: 'ca.no-parameters',
      title: 'the content type has no parameters',
      section: 'practice (certmonger, sscep)',
      level: 'practice',
      expected: 'no charset or other parameter',
      hint: 'A charset means nothing for DER, and clients compare the whole value.',
      run: async (server) => {
        const { contentType } = await server.caCertificatesAnswer();
        return verdict(!contentType.includes(';'), contentType);
      },
    },
    {
      id: 'ca.encryption-certificate',
      title: 'there is a certificate that requests can be encrypted to',
      section: '2.1.2, 3.1',
      level: 'MUST',
      expected: 'an RSA key whose keyUsage shows keyEncipherment',
      hint: 'Windows asks again and again and never sends its request (0x8010002c); give a CA with another key an RA certificate.',
      run: async (server) => {
        const { recipient } = await server.roles();
        if (recipient === undefined) return fail('no certificate with an RSA key');
        const usages = keyUsagesOf(recipient);
        const seen = `${nameOf(recipient)}: ${usages?.join(', ') ?? 'no keyUsage extension'}`;
        return verdict(usages === undefined || usages.includes('keyEncipherment'), seen);
      },
    },
    {
      id: 'ca.signing-certificate',
      title: 'what signs replies shows digitalSignature',
      section: '2.1.2',
      level: 'MUST',
      expected: 'digitalSignature in the keyUsage of the RA certificate, or of the CA where there is no RA',
      hint: 'macOS and jscep choose certificates by keyUsage.',
      run: async (server) => {
        const { issuer, registrationAuthorities } = await server.roles();
        const candidates =
          registrationAuthorities.length > 0 ? registrationAuthorities : issuer === undefined ? [] : [issuer];
        const signing = candidates.filter(
          (certificate) => keyUsagesOf(certificate)?.includes('digitalSignature') ?? true,
        );
        const seen = candidates.map(
          (certificate) => `${nameOf(certificate)}: ${keyUsagesOf(certificate)?.join(', ') ?? 'any'}`,
        );
        return verdict(signing.length > 0, seen.join('; '));
      },
    },
    {
      id: 'ca.chain',
      title: 'the certificates verify each other',
      section: '2.2, 4.2.1.2',
      level: 'MUST',
      expected: 'every certificate is signed by one of the answer; the root may be left out',
      hint: 'Clients must verify intermediate certificates; send the chain, and no certificates of a former CA.',
      run: async (server) => {
        const { all } = await server.roles();
        const orphans = all.filter(
          (certificate) =>
            !all.some(
              (other) =>
                namesEqual(certificate.issuer, other.subject) &&
                verifyCertificateSignature(certificate, other.publicKey),
            ),
        );
        // The root is no part of what a client has to be told; it has to know it already.
        const [top, ...more] = orphans;
        if (top !== undefined && more.length === 0 && (all.length === 1 || isAuthority(top))) {
          return pass(`${all.length} certificates, up to ${nameOf(top)}`);
        }
        return noneWrong(
          orphans.map((certificate) => `${nameOf(certificate)}: its issuer is not there`),
          `${all.length} certificates`,
        );
      },
    },
    {
      id: 'ca.validity',
      title: 'every certificate is valid now',
      section: '2.2',
      level: 'MUST',
      expected: 'notBefore is past, notAfter to come',
      hint: 'Renew the certificate, or set the clock.',
      run: async (server) => {
        const now = server.options.now();
        const { all } = await server.roles();
        const wrong = all.filter(({ notAfter, notBefore }) => notBefore > now || notAfter < now);
        const soonest = new Date(Math.min(...all.map(({ notAfter }) => notAfter.getTime())));
        return noneWrong(
          wrong.map(
            (certificate) =>
              `${nameOf(certificate)}: valid from ${certificate.notBefore.toISOString()} to ${certificate.notAfter.toISOString()}`,
          ),
          `the first ends ${soonest.toISOString().slice(0, 10)}`,
        );
      },
    },
    {
      id: 'ca.key-strength',
      title: 'keys and signatures are strong',
      section: '7.1, 7.9',
      level: 'practice',
      expected: 'RSA of 2048 bits or more, or a NIST curve; SHA-2 below the root',
      hint: 'Issue the certificate anew.',
      run: async (server) => {
        const { all } = await server.roles();
        const keys = all.map(({ publicKey: { key } }) =>
          key.kind === 'rsa' ? `RSA ${key.modulusBits}` : key.kind === 'ec' ? key.curve : 'unknown',
        );
        return noneWrong(all.flatMap(keyProblems), keys.join(', '));
      },
    },
    {
      id: 'ca.fingerprint',
      title: 'the certificate with the expected fingerprint is there',
      section: '2.2, 7.1',
      level: 'MUST',
      expected: 'one certificate with the SHA-256 fingerprint that was given',
      hint: 'Ask the administrator of the CA; somebody may be in between.',
      run: async (server) => {
        const { caFingerprint } = server.options;
        if (caFingerprint === undefined) return notApplicable('no fingerprint was given (--ca-fingerprint)');
        const found = (await server.roles()).all.map((certificate) => thumbprint(certificate.encoded, 'sha256'));
        return verdict(found.includes(caFingerprint), found.join('; '));
      },
    },
    {
      id: 'ca.stable',
      title: 'asked again, the answer is the same',
      section: 'practice (certmonger)',
      level: 'practice',
      expected: 'identical bytes',
      hint: 'Clients compare; several servers behind one address must agree.',
      run: async (server) => {
        const first = await server.caCertificatesAnswer();
        const second = await server.get('GetCACert');
        if (first.status !== 200 || second.status !== 200) return inconclusive(describeAnswer(second));
        return verdict(
          Buffer.compare(first.body, second.body) === 0,
          `${first.body.length} and ${second.body.length} bytes`,
        );
      },
    },
    {
      id: 'ca.apple-ra',
      title: 'several certificates come with an RA certificate among them',
      section: 'practice (Apple)',
      level: 'practice',
      expected: 'an RA certificate in application/x-x509-ca-ra-cert; a CA alone as one certificate',
      hint: 'Apple takes ca-ra-cert to mean that there is an RA, and ends with "key usage is incorrect" without one.',
      run: async (server) => {
        const { form } = await server.offered();
        if (form === 'one certificate') return pass('one certificate');
        const { registrationAuthorities } = await server.roles();
        return verdict(registrationAuthorities.length > 0, `${registrationAuthorities.length} RA certificates`);
      },
    },
  ],
};
