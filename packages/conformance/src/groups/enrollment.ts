/** PKCSReq: RFC 8894 sections 2.3 to 2.5, 3.3.1, 3.3.2 and 3.4. */
import { equalBytes, findExtension, formatName, oid, verifyCertificateSignature } from '@scepter/x509';
import { CheckStopped, fail, inconclusive, noneWrong, notApplicable, pass, verdict } from '../check.ts';
import type { Check, CheckGroup, Outcome } from '../check.ts';
import { certificationRequest, newEcKeys } from '../device/device.ts';
import {
  attempt,
  firstEnrollment,
  furtherAttempt,
  needEnrollment,
  openSuccess,
  readEnrollment,
  refusedAttempt,
} from '../device/enroll.ts';
import type { Enrollment } from '../device/enroll.ts';
import type { ServerUnderTest } from '../server-under-test.ts';
import { describeTransaction, isFailure, isRefused, isSuccess, requireReply } from '../transaction.ts';
import { isAuthority } from '../wire/authority.ts';
import { attributeProblems, signatureVerifies, signerCertificate } from '../wire/read-reply.ts';
import { wireOid } from '../wire/object-identifiers.ts';
import { readSuccessUnderPassword } from '../wire/read-success.ts';

/** Something to look at in the first certificate's reply. */
const onEnrollment =
  (look: (enrollment: Enrollment, server: ServerUnderTest) => Outcome | Promise<Outcome>) =>
  async (server: ServerUnderTest): Promise<Outcome> =>
    look(await needEnrollment(server), server);

const cipherOids: Readonly<Record<string, string>> = {
  'des-cbc': wireOid.desCbc,
  'des-ede3-cbc': wireOid.desEde3Cbc,
  'aes-128-cbc': wireOid.aes128Cbc,
  'aes-256-cbc': wireOid.aes256Cbc,
};

const refusals: readonly Check[] = [
  {
    id: 'enroll.wrong-challenge',
    title: 'a wrong challenge gets no certificate',
    section: '2.4, 3.3.1',
    level: 'MUST',
    expected: 'FAILURE, or PENDING where a person decides',
    hint: 'Whoever can reach this server gets a certificate in any name.',
    run: async (server) => {
      const { transaction } = await refusedAttempt(server);
      if (isSuccess(transaction)) return fail('a certificate was issued');
      requireReply(transaction);
      return pass(describeTransaction(transaction));
    },
  },
  {
    id: 'enroll.no-challenge',
    title: 'no challenge gets no certificate',
    section: '2.4, 7.10',
    level: 'MUST',
    expected: 'FAILURE, or PENDING where a person decides; a self-signed certificate authenticates nobody',
    hint: 'Require a challenge or approve requests by hand.',
    run: async (server) => {
      const { transaction } = await attempt(server, { device: await server.anyDevice(), challenge: undefined });
      if (isSuccess(transaction)) return fail('a certificate was issued');
      requireReply(transaction);
      return pass(describeTransaction(transaction));
    },
  },
  {
    id: 'enroll.request-signature',
    title: 'a request without proof of possession gets no certificate',
    section: '3.3.1; RFC 2986',
    level: 'MUST',
    expected: 'FAILURE for a PKCS#10 whose signature is wrong',
    hint: 'Verify the signature of the PKCS#10 with the key inside it, also for renewals (section 7.6).',
    run: async (server) => {
      const challenge = await challengeOr(server);
      const device = await server.newDevice();
      const csr = certificationRequest({ keys: device.keys, subject: device.subject, challenge });
      csr[csr.length - 9] = (csr.at(-9) ?? 0) ^ 1;
      const transaction = await server.request({ messageData: csr, device });
      if (isSuccess(transaction)) return fail('a certificate was issued');
      return verdict(isRefused(transaction), describeTransaction(transaction));
    },
  },
];

/** A challenge that is not used up by a request that must be refused; else none, for a weaker test. */
const challengeOr = async (server: ServerUnderTest): Promise<string | undefined> =>
  server.hasChallenges ? server.takeChallenge() : undefined;

const success: readonly Check[] = [
  {
    id: 'enroll.success',
    title: 'PKCSReq with the challenge gets a certificate',
    section: '3.3.1, 3.3.2.1',
    level: 'MUST',
    expected: 'SUCCESS with a certificate for the requested key',
    hint: 'Look into the log of the server; try another --subject or --algorithms.',
    run: async (server) => {
      const { certificate } = await firstEnrollment(server);
      return pass(`${formatName(certificate.subject)}, serial number ${certificate.serialHex}`);
    },
  },
  {
    id: 'enroll.success-attributes',
    title: 'a SUCCESS, too, has all attributes and a good signature',
    section: '3.2.1',
    level: 'MUST',
    expected: 'as a FAILURE has them',
    hint: 'Make every reply in one place.',
    run: onEnrollment(async ({ transaction }, server) => {
      const reply = requireReply(transaction);
      const { signers } = await server.roles();
      const certificate = signerCertificate(reply, signers);
      const isKnown = signers.some(
        (known) => certificate !== undefined && equalBytes(known.publicKey.encoded, certificate.publicKey.encoded),
      );
      const problems = attributeProblems(reply);
      if (certificate === undefined || !isKnown) problems.push('signed by a certificate that GetCACert did not give');
      else if (!signatureVerifies(reply, certificate)) problems.push('the signature does not verify');
      if (reply.transactionId !== transaction.request.transactionId) problems.push('another transactionID');
      if (!equalBytes(reply.recipientNonce ?? new Uint8Array(), transaction.request.senderNonce))
        problems.push('another recipientNonce');
      return noneWrong(problems, 'attributes and signature are right');
    }),
  },
  {
    id: 'enroll.envelope',
    title: "the envelope is for the signer's key and holds data",
    section: '3.1, 3.2.2',
    level: 'MUST',
    expected: 'key transport to an RSA key; inner content type data',
    hint: 'Encrypt to the certificate that signed the request.',
    run: onEnrollment(({ contents }) => {
      const { innerContentType, recipientKinds } = contents;
      const holds = innerContentType === wireOid.data && recipientKinds.includes('key transport');
      return verdict(holds, `${recipientKinds.join(', ')}; content type ${innerContentType}`);
    }),
  },
  {
    id: 'enroll.recipient-identifier',
    title: 'the recipient is named by issuer and serial number',
    section: 'practice (jscep)',
    level: 'practice',
    expected: "issuerAndSerialNumber of the signer's certificate",
    hint: 'jscep finds its key by nothing else.',
    run: onEnrollment(({ contents: { recipientIdentifier } }) =>
      verdict(recipientIdentifier === 'issuerAndSerial', recipientIdentifier ?? 'none'),
    ),
  },
  {
    id: 'enroll.degenerate',
    title: 'the certificates come in a degenerate SignedData',
    section: '3.4',
    level: 'MUST',
    expected: 'no content, no signer',
    hint: 'Leave out the content and the signers.',
    run: onEnrollment(({ contents: { degenerate } }) =>
      verdict(
        !degenerate.hasContent && degenerate.signers === 0,
        `${degenerate.signers} signers, ${degenerate.hasContent ? 'with' : 'no'} content`,
      ),
    ),
  },
  {
    id: 'enroll.certificate-first',
    title: 'the issued certificate is the leaf and comes first',
    section: '3.3.2.1',
    level: 'MUST',
    expected: 'the certificate for the requested key first; others may follow',
    hint: 'Clients take the first certificate.',
    run: onEnrollment(({ certificate, contents }) => {
      const at = contents.certificates.indexOf(certificate);
      return verdict(at === 0 && !isAuthority(certificate), `number ${at + 1} of ${contents.certificates.length}`);
    }),
  },
  {
    id: 'enroll.issuer',
    title: 'the certificate verifies with the CA of GetCACert',
    section: '2.2, 3.3.2.1',
    level: 'MUST',
    expected: 'a valid signature by one of its CA certificates',
    hint: 'GetCACert must give the CA that issues.',
    run: onEnrollment(async ({ certificate }, server) => {
      const { authorities } = await server.roles();
      const issuer = authorities.find(({ publicKey }) => verifyCertificateSignature(certificate, publicKey));
      return verdict(
        issuer !== undefined,
        issuer === undefined ? `issuer ${formatName(certificate.issuer)}` : formatName(issuer.subject),
      );
    }),
  },
  {
    id: 'enroll.subject',
    title: 'the certificate has the requested subject',
    section: 'practice (Cisco)',
    level: 'practice',
    expected: 'the subject of the request, byte for byte',
    hint: 'Cisco IOS looks for its certificate by the subject. A profile may replace it on purpose.',
    run: onEnrollment(({ certificate, device }) => {
      const same = formatName(certificate.subject) === device.subject;
      return verdict(same, formatName(certificate.subject));
    }),
  },
  {
    id: 'enroll.serial-number',
    title: 'the serial number is positive and long',
    section: 'RFC 5280 section 4.1.2.2',
    level: 'practice',
    expected: 'positive, 8 to 20 bytes',
    hint: 'Take 64 random bits or more: the number must not be predictable.',
    run: onEnrollment(({ certificate: { serialHex, serialNumber } }) =>
      verdict((serialNumber[0] ?? 0x80) < 0x80 && serialNumber.length >= 8 && serialNumber.length <= 21, serialHex),
    ),
  },
  {
    id: 'enroll.validity',
    title: 'the certificate is valid now',
    section: 'RFC 5280 section 4.1.2.5',
    level: 'practice',
    expected: 'notBefore is past, notAfter to come',
    hint: 'Devices start with a clock that is slow: set notBefore back by a day.',
    run: onEnrollment(({ certificate: { notAfter, notBefore } }, server) => {
      const now = server.options.now();
      return verdict(notBefore <= now && notAfter > now, `${notBefore.toISOString()} to ${notAfter.toISOString()}`);
    }),
  },
  {
    id: 'enroll.end-entity',
    title: 'the certificate is that of an end entity',
    section: 'RFC 5280 section 4.2.1.9',
    level: 'MUST',
    expected: 'no CA:TRUE',
    hint: 'Set basicConstraints from the profile alone.',
    run: onEnrollment(({ certificate }) => {
      const constraints = findExtension(certificate.extensions, oid.basicConstraints);
      const isCa = constraints !== undefined && isAuthority(certificate);
      return verdict(!isCa, isCa ? 'CA:TRUE' : 'an end entity');
    }),
  },
  {
    id: 'enroll.cipher-mirror',
    title: "the reply uses the request's cipher",
    section: '3.5.2',
    level: 'practice',
    expected: 'the content cipher that the client used',
    hint: 'A client may read nothing else; single DES in reply to AES breaks OpenSSL 3.',
    run: onEnrollment(({ contents: { contentCipher } }, server) =>
      verdict(contentCipher === cipherOids[server.algorithms.cipher], contentCipher),
    ),
  },
];

const repetition: readonly Check[] = [
  {
    id: 'enroll.retransmission',
    title: 'the same message again gets the same certificate',
    section: '5.2, 7.4',
    level: 'practice',
    expected: 'SUCCESS with the certificate that was issued: its reply may have been lost',
    hint: 'Keep the certificate by transactionID, key and request, not the bytes of the reply.',
    run: onEnrollment(async ({ certificate, device, signer, transaction }, server) => {
      const again = await server.send(transaction.request);
      if (!isSuccess(again)) return fail(describeTransaction(again));
      const same = openSuccess(server, again, signer).certificates.some(({ encoded }) =>
        equalBytes(encoded, certificate.encoded),
      );
      return verdict(same, same ? 'the same certificate' : `another certificate for ${device.subject}`);
    }),
  },
  {
    id: 'enroll.fresh-reply',
    title: 'the same request in a new message gets a new reply',
    section: '3.2.1.5, 5.2',
    level: 'MUST',
    expected: "the new message's nonce in recipientNonce, and a fresh senderNonce",
    hint: 'Sign every reply anew: jscep rejects an old nonce.',
    run: onEnrollment(async ({ csr, signer, transaction }, server) => {
      const { transactionId } = transaction.request;
      const again = await server.request({ messageData: csr, device: signer, transactionId });
      const reply = requireReply(again);
      const echoed = equalBytes(reply.recipientNonce ?? new Uint8Array(), again.request.senderNonce);
      const fresh = !equalBytes(
        reply.senderNonce ?? new Uint8Array(),
        transaction.reply?.senderNonce ?? new Uint8Array(),
      );
      return verdict(
        echoed && fresh,
        `${describeTransaction(again)}; ${echoed ? 'nonce echoed' : 'another recipientNonce'}; ${fresh ? 'fresh' : 'repeated'} senderNonce`,
      );
    }),
  },
  {
    id: 'enroll.shared-transaction',
    title: 'another key under the same transactionID gets its own certificate',
    section: '3.2.1.1',
    level: 'practice',
    expected: 'SUCCESS with a certificate for the new key',
    hint: 'Clients use device names as transactionIDs, and collide: tell transactions apart by key and request as well.',
    run: async (server) => {
      // Not the first enrollment's: later checks poll for that.
      const plan = { transactionId: server.newTransactionId() };
      readEnrollment(server, await furtherAttempt(server, { plan }));
      const { certificate } = readEnrollment(server, await furtherAttempt(server, { plan }));
      return pass(`serial number ${certificate.serialHex}`);
    },
  },
  {
    id: 'enroll.challenge-reuse',
    title: 'a one-time challenge serves once',
    section: '2.4, 7.3',
    level: 'SHOULD',
    expected: 'FAILURE for another key with the same challenge',
    hint: 'Count the use in the transaction that records the certificate.',
    run: async (server) => {
      const source = server.options.challenge;
      if (source?.kind !== 'one-time' && source?.kind !== 'fresh') {
        return notApplicable('the challenge is not said to be one-time (--one-time or --challenge-command)');
      }
      const challenge = source.kind === 'one-time' ? source.challenge : await server.takeChallenge();
      if (source.kind === 'one-time') await needEnrollment(server);
      else readEnrollment(server, await attempt(server, { challenge }));
      const { transaction } = await attempt(server, { challenge });
      return verdict(isFailure(transaction), describeTransaction(transaction));
    },
  },
];

const algorithms: readonly Check[] = [
  {
    id: 'enroll.aes-256',
    title: 'AES-256 and SHA-512 are understood',
    section: '3.5.2',
    level: 'practice',
    expected: 'SUCCESS',
    hint: 'CMS allows them, and some clients use the strongest they know.',
    run: async (server) => {
      const attempted = await furtherAttempt(server, { plan: { cipher: 'aes-256-cbc', digest: 'sha512' } });
      readEnrollment(server, attempted);
      return pass(describeTransaction(attempted.transaction));
    },
  },
  {
    id: 'enroll.ec-key',
    title: 'a client with an EC key is served or told that it cannot be',
    section: '3.1',
    level: 'MUST',
    expected: 'SUCCESS under a password recipient, or FAILURE; nothing without an envelope',
    hint: 'Find out whether the answer can be encrypted before anything is issued; else badAlg.',
    run: async (server) => {
      await needEnrollment(server);
      const challenge = await server.takeChallenge();
      const device = await server.newDevice({ keys: await newEcKeys() });
      // There is no ECDSA with MD5.
      const plan = server.algorithms.digest === 'md5' ? { digest: 'sha1' as const } : {};
      const { transaction } = await attempt(server, { device, challenge, plan });
      const reply = requireReply(transaction);
      if (!isSuccess(transaction)) return verdict(isFailure(transaction), describeTransaction(transaction));
      const { certificates, recipientKinds } = readSuccessUnderPassword(reply, challenge, server.options.randomBytes);
      const { publicKey } = device.certificate;
      const own = certificates.some((certificate) => equalBytes(certificate.publicKey.encoded, publicKey.encoded));
      return verdict(
        own,
        `SUCCESS under a recipient of the kind ${recipientKinds.join(', ')}${own ? '' : ', without a certificate for the key'}`,
      );
    },
  },
  {
    id: 'enroll.second-certificate',
    title: 'the same subject with a new key gets a second certificate',
    section: 'practice (Windows, Intune)',
    level: 'practice',
    expected: 'SUCCESS while the first certificate is valid',
    hint: 'Intune renews by a new enrollment in the same name, never by RenewalReq.',
    run: async (server) => {
      const { device } = await needEnrollment(server);
      const attempted = await furtherAttempt(server, { device: await server.newDevice({ subject: device.subject }) });
      try {
        readEnrollment(server, attempted);
      } catch (error) {
        if (error instanceof CheckStopped && attempted.transaction.reply === undefined)
          return inconclusive(error.outcome.saw);
        throw error;
      }
      return pass(describeTransaction(attempted.transaction));
    },
  },
];

export const enrollment: CheckGroup = {
  name: 'enrollment',
  checks: [...refusals, ...success, ...repetition, ...algorithms],
};
