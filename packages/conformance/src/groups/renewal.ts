/** RenewalReq: RFC 8894 sections 2.3 to 2.5. */
import {
  decodeCertificate,
  encodeTbsCertificate,
  equalBytes,
  assembleCertificate,
  formatName,
  oid,
  signData,
  signatureAlgorithmFor,
} from '@scepter/x509';
import { fail, notApplicable, pass, verdict, CheckStopped } from '../check.ts';
import type { CheckGroup } from '../check.ts';
import type { Device } from '../device/device.ts';
import { attempt, needEnrollment, readEnrollment } from '../device/enroll.ts';
import type { Attempt, Enrollment } from '../device/enroll.ts';
import type { ServerUnderTest } from '../server-under-test.ts';
import { describeTransaction, isFailure, isRefused, isSuccess, requireReply } from '../transaction.ts';
import { messageTypes } from '../wire/object-identifiers.ts';

const requireAnnounced = async (server: ServerUnderTest): Promise<void> => {
  if (!(await server.announces('Renewal'))) throw new CheckStopped(notApplicable('Renewal is not announced'));
};

const sameNames = async (server: ServerUnderTest, subject: string): Promise<Device> => server.newDevice({ subject });

/**
 * RFC 8894 section 2.4: the challenge is left out; a CA may insist on it all the same, where it can be had again. Section
 * 7.9: what only a signature authorizes may need a better digest than SHA-1, which every server has.
 */
const renewalAttempt = async (server: ServerUnderTest, former: Enrollment, messageType: string): Promise<Attempt> => {
  const device = await sameNames(server, formatName(former.certificate.subject));
  const options = { device, signer: former.device, plan: { messageType } };
  const plain = await attempt(server, { ...options, challenge: undefined });
  if (!isFailure(plain.transaction)) return plain;
  const strong = { messageType, cipher: 'aes-128-cbc', digest: 'sha256' } as const;
  const stronger = await attempt(server, { ...options, plan: strong, challenge: undefined });
  const source = server.options.challenge;
  if (!isFailure(stronger.transaction) || source?.kind !== 'static') return stronger;
  return attempt(server, { ...options, challenge: source.challenge });
};

const firstRenewal = (server: ServerUnderTest): Promise<Attempt> =>
  server.once('first renewal', async () => {
    await requireAnnounced(server);
    return renewalAttempt(server, await needEnrollment(server), messageTypes.RenewalReq);
  });

/** A certificate like the given one in every field, signed by a key of our own. */
const lookAlike = async (server: ServerUnderTest, { certificate, device }: Enrollment): Promise<Device> => {
  const keys = await server.newKeys();
  const signatureAlgorithm = signatureAlgorithmFor(keys.privateKey, 'sha256');
  const tbs = encodeTbsCertificate({
    serialNumber: certificate.serialNumber[0] === 0 ? certificate.serialNumber.subarray(1) : certificate.serialNumber,
    signatureAlgorithm,
    issuer: certificate.issuer,
    notBefore: certificate.notBefore,
    notAfter: certificate.notAfter,
    subject: certificate.subject,
    publicKey: keys.publicKey.export({ format: 'der', type: 'spki' }),
    extensions: certificate.extensions.filter((extension) => extension.oid !== oid.subjectKeyIdentifier),
  });
  const forged = decodeCertificate(
    assembleCertificate(tbs, signatureAlgorithm, signData(keys.privateKey, 'sha256', tbs)),
  );
  return { keys, privateKey: keys.privateKey, certificate: forged, subject: device.subject };
};

export const renewal: CheckGroup = {
  name: 'renewal',
  checks: [
    {
      id: 'renew.renewal-req',
      title: 'RenewalReq signed by the certificate gets a new one',
      section: '2.5, 3.3.1',
      level: 'MUST',
      expected: 'SUCCESS with a certificate for the new key, as GetCACaps promises',
      hint: 'Announce Renewal only where RenewalReq is served.',
      run: async (server) => {
        const { certificate } = readEnrollment(server, await firstRenewal(server));
        return pass(`serial number ${certificate.serialHex}`);
      },
    },
    {
      id: 'renew.subject',
      title: 'the renewed certificate keeps the subject',
      section: '2.5',
      level: 'practice',
      expected: "the former certificate's subject",
      hint: 'A renewal must not lead to another name.',
      run: async (server) => {
        const former = await needEnrollment(server);
        const renewed = await firstRenewal(server);
        if (!isSuccess(renewed.transaction))
          return notApplicable(`no renewal: ${describeTransaction(renewed.transaction)}`);
        const { certificate } = readEnrollment(server, renewed);
        const same = equalBytes(certificate.subject.encoded, former.certificate.subject.encoded);
        return verdict(same, formatName(certificate.subject));
      },
    },
    {
      id: 'renew.pkcs-req',
      title: 'PKCSReq signed by the certificate is a renewal, too',
      section: 'practice (macOS, Cisco, strongSwan)',
      level: 'practice',
      expected: 'SUCCESS',
      hint: 'macOS, Cisco, strongSwan and jscep renew with messageType 19.',
      run: async (server) => {
        await requireAnnounced(server);
        const attempted = await renewalAttempt(server, await needEnrollment(server), messageTypes.PKCSReq);
        readEnrollment(server, attempted);
        return pass(describeTransaction(attempted.transaction));
      },
    },
    {
      id: 'renew.unannounced',
      title: 'a RenewalReq that is not served is a FAILURE',
      section: '2.5, 3.3.2.2',
      level: 'MUST',
      expected: 'a CertRep FAILURE where Renewal is not announced',
      hint: 'Answer every message type that can be decoded.',
      run: async (server) => {
        if (await server.announces('Renewal')) return notApplicable('Renewal is announced');
        const { transaction } = await attempt(server, {
          device: await server.anyDevice(),
          challenge: undefined,
          plan: { messageType: messageTypes.RenewalReq },
        });
        requireReply(transaction);
        return verdict(isFailure(transaction), describeTransaction(transaction));
      },
    },
    {
      id: 'renew.self-signed',
      title: 'a RenewalReq by a self-signed certificate gets nothing',
      section: '2.4',
      level: 'MUST',
      expected: 'FAILURE: a self-signed certificate authenticates nobody',
      hint: 'Only a certificate that this CA issued may authorize a renewal.',
      run: async (server) => {
        const { transaction } = await attempt(server, {
          challenge: undefined,
          plan: { messageType: messageTypes.RenewalReq },
        });
        if (isSuccess(transaction)) return fail('a certificate was issued');
        return verdict(isRefused(transaction), describeTransaction(transaction));
      },
    },
    {
      id: 'renew.look-alike',
      title: 'a certificate that only looks issued gets nothing',
      section: '2.4, 2.5',
      level: 'MUST',
      expected: 'FAILURE for the issued names and serial number under a key of our own',
      hint: 'Compare the whole certificate with the one that was issued, not its issuer and serial number.',
      run: async (server) => {
        const former = await needEnrollment(server);
        const signer = await lookAlike(server, former);
        const device = await sameNames(server, formatName(former.certificate.subject));
        const { transaction } = await attempt(server, {
          device,
          signer,
          challenge: undefined,
          plan: { messageType: messageTypes.RenewalReq },
        });
        if (isSuccess(transaction)) return fail('a certificate was issued');
        return verdict(isRefused(transaction), describeTransaction(transaction));
      },
    },
  ],
};
