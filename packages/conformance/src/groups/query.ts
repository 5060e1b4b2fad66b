/** GetCert and GetCRL: RFC 8894 sections 2.6, 2.7, 3.3.4, 4.5 and 4.6. */
import { decodeCertificateList, equalBytes, namesEqual, parseName, verifySignature } from '@scepter/x509';
import type { CertificateList, Name } from '@scepter/x509';
import { CheckStopped, fail, notApplicable, verdict } from '../check.ts';
import type { CheckGroup, Outcome } from '../check.ts';
import { needEnrollment, openSuccess } from '../device/enroll.ts';
import type { ServerUnderTest } from '../server-under-test.ts';
import { describeTransaction, isFailure, isSuccess, requireServed } from '../transaction.ts';
import type { RequestPlan, Transaction } from '../transaction.ts';
import { issuerAndSerial } from '../wire/forge-envelope.ts';
import { messageTypes } from '../wire/object-identifiers.ts';

const query = async (
  server: ServerUnderTest,
  messageType: string,
  asked: { readonly issuer: Name; readonly serialNumber: Uint8Array },
  plan: Partial<RequestPlan> = {},
): Promise<Transaction> => {
  const device = await server.anyDevice();
  return server.request({ messageType, messageData: issuerAndSerial(asked), device, ...plan });
};

/** A server may leave queries to LDAP and HTTP (section 2.6); it says so by a FAILURE. */
const requireQueries = (transaction: Transaction): void => {
  requireServed(transaction);
  if (isFailure(transaction)) throw new CheckStopped(notApplicable(`not served: ${describeTransaction(transaction)}`));
};

const unknownCertificate = async (server: ServerUnderTest): Promise<{ issuer: Name; serialNumber: Uint8Array }> => {
  const { issuer } = await server.roles();
  return { issuer: issuer?.subject ?? parseName('CN=unknown'), serialNumber: server.serialNumber() };
};

const readCrl = (crl: Uint8Array): CertificateList => {
  try {
    return decodeCertificateList(crl);
  } catch {
    throw new CheckStopped(fail(`a CRL that cannot be decoded, ${crl.length} bytes`));
  }
};

const judgeCrl = async (server: ServerUnderTest, crl: CertificateList): Promise<Outcome> => {
  const { authorities } = await server.roles();
  const issuer = authorities.find(({ subject }) => namesEqual(subject, crl.issuer));
  if (issuer === undefined) return fail('a CRL of another issuer');
  const valid = verifySignature(crl.signatureAlgorithm, issuer.publicKey, crl.tbs, crl.signature);
  const current = crl.nextUpdate === undefined || crl.nextUpdate > server.options.now();
  return verdict(
    valid && current,
    `${crl.revoked.length} revoked, of ${crl.thisUpdate.toISOString()}${valid ? '' : ', not validly signed'}${current ? '' : ', expired'}`,
  );
};

export const queryGroup: CheckGroup = {
  name: 'query',
  checks: [
    {
      id: 'query.get-cert',
      title: 'GetCert gives the certificate',
      section: '3.3.4, 4.5',
      level: 'MUST',
      expected: 'SUCCESS with the certificate as the leaf, or a FAILURE where queries are not served',
      hint: 'Look it up by issuer and serial number.',
      run: async (server) => {
        const { certificate } = await needEnrollment(server);
        const transaction = await query(server, messageTypes.GetCert, certificate);
        requireQueries(transaction);
        if (!isSuccess(transaction)) return fail(describeTransaction(transaction));
        const { certificates } = openSuccess(server, transaction, await server.anyDevice());
        const [first] = certificates;
        return verdict(
          first !== undefined && equalBytes(first.encoded, certificate.encoded),
          first === undefined ? 'no certificate' : `serial number ${first.serialHex}`,
        );
      },
    },
    {
      id: 'query.get-cert-unknown',
      title: 'GetCert for an unknown certificate is badCertId',
      section: '3.2.1.4, 4.5',
      level: 'MUST',
      expected: 'FAILURE badCertId, or badRequest where queries are not served',
      hint: 'badCertId says that the query was understood.',
      run: async (server) => {
        const transaction = await query(server, messageTypes.GetCert, await unknownCertificate(server));
        const { failInfo } = requireServed(transaction);
        if (!isFailure(transaction)) return fail(describeTransaction(transaction));
        return failInfo === 'badRequest'
          ? notApplicable('not served: FAILURE badRequest')
          : verdict(failInfo === 'badCertId', describeTransaction(transaction));
      },
    },
    {
      id: 'query.get-crl',
      title: 'GetCRL gives a current CRL of the CA',
      section: '3.3.4, 4.6',
      level: 'MUST',
      expected: 'one valid CRL in crls, or a FAILURE where queries are not served',
      hint: 'Publish the CRL before it expires.',
      run: async (server) => {
        const asked = server.canEnroll ? (await needEnrollment(server)).certificate : await unknownCertificate(server);
        const transaction = await query(server, messageTypes.GetCRL, asked);
        requireQueries(transaction);
        if (!isSuccess(transaction)) return fail(describeTransaction(transaction));
        const { crls } = openSuccess(server, transaction, await server.anyDevice());
        const [crl] = crls;
        if (crl === undefined) return fail('SUCCESS without a CRL');
        return judgeCrl(server, readCrl(crl));
      },
    },
    {
      id: 'query.crl-alone',
      title: 'the answer to GetCRL has one CRL and no certificate',
      section: '2.7, 3.4',
      level: 'practice',
      expected: 'the newest CRL alone',
      hint: 'Clients take whatever comes first.',
      run: async (server) => {
        const transaction = await query(server, messageTypes.GetCRL, await unknownCertificate(server));
        requireQueries(transaction);
        const { certificates, crls } = openSuccess(server, transaction, await server.anyDevice());
        return verdict(
          crls.length === 1 && certificates.length === 0,
          `${crls.length} CRLs, ${certificates.length} certificates`,
        );
      },
    },
    {
      id: 'query.same-transaction',
      title: 'queries are not told apart by their transactionID',
      section: 'practice (sscep, jscep)',
      level: 'practice',
      expected: 'two clients under one transactionID both get the same answer',
      hint: 'sscep uses "SSCEP transactionId" for every query, jscep a counter.',
      run: async (server) => {
        const asked = await unknownCertificate(server);
        const plan = { transactionId: 'SSCEP transactionId' };
        const first = await query(server, messageTypes.GetCert, asked, plan);
        const second = await query(server, messageTypes.GetCert, asked, { ...plan, device: await server.newDevice() });
        requireServed(first);
        return verdict(
          describeTransaction(first) === describeTransaction(second),
          `${describeTransaction(first)}, then ${describeTransaction(second)}`,
        );
      },
    },
  ],
};
