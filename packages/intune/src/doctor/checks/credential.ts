import type { X509Certificate } from 'node:crypto';
import { isGuid } from '../../arguments.ts';
import type { Call } from '../../call.ts';
import { readCertificateFiles } from '../../credentials/client-certificate.ts';
import { readSecretFile } from '../../credentials/client-secret.ts';
import { readCredentialFile } from '../../credentials/credential-file.ts';
import { toLine } from '../../http/redaction.ts';
import { matchKeyPair, readCertificates, readPrivateKey, type KeyPair } from '../../http/pem.ts';
import { readTokenPayload } from '../../token-claims.ts';
import type { Check, Finding } from '../check.ts';
import { explainFailure } from '../explain-failure.ts';
import type { Patient } from '../patient.ts';
import { commonName } from '../tls-probe.ts';

const dayMs = 86_400_000;
/** Time to have a certificate issued, registered in Entra and brought here. */
const endsSoonMs = 30 * dayMs;

const wherein = 'the Entra admin center, App registrations > your application > Certificates & secrets';

/** Is what the application signs in with there, whole, and good for a while? Nothing is sent for it. */
export const credentialCheck: Check = {
  name: 'credential',
  title: 'Credential of the application',
  needs: [],
  run: async (patient, call) =>
    worse(await judgeCredential(patient, call).catch(explainFailure), judgeClientCertificate(patient)),
};

/** Files are read as the sign-in reads them, and refused for the same reasons. */
async function judgeCredential({ options }: Patient, call: Call): Promise<Finding> {
  const { credential, now } = options;
  if ('getToken' in credential) {
    return { state: 'ok', saw: "A credential of the caller's own, of which nothing more is known here." };
  }
  if ('managedIdentity' in credential) {
    return { state: 'ok', saw: 'A managed identity: there is nothing here that could end.' };
  }
  if ('federatedToken' in credential) {
    const { federatedToken } = credential;
    return typeof federatedToken === 'object' && 'file' in federatedToken
      ? judgeTokenFile(federatedToken.file, now(), call)
      : { state: 'ok', saw: 'A federated identity: there is nothing here that could end.' };
  }
  if ('certificate' in credential) {
    const { certificate, privateKey, passphrase } = credential;
    return judgeCertificate(matchKeyPair(readCertificates(certificate), readPrivateKey(privateKey, passphrase)), now());
  }
  if ('certificateFile' in credential) {
    return judgeCertificate(await readCertificateFiles(credential, call), now());
  }
  return judgeSecret(
    'clientSecretFile' in credential
      ? await readSecretFile(credential.clientSecretFile, call)
      : credential.clientSecret,
  );
}

function judgeSecret(secret: string): Finding {
  const details = { kind: 'clientSecret' };
  // Copying the wrong column of the portal is the most common mistake of all.
  if (isGuid(secret)) {
    const saw = 'The client secret looks like the ID of a secret, not like its value.';
    return { state: 'warning', saw, advice: `Make a new one in ${wherein}, and copy the column "Value".`, details };
  }
  return { state: 'ok', saw: 'A client secret. Only the Entra admin center shows when it ends.', details };
}

function judgeCertificate({ certificates: [own] }: KeyPair, now: Date): Finding {
  const advice = `Register a new certificate in ${wherein}, and put it here; both are good meanwhile.`;
  return judgeEnd('certificate', own, now, advice);
}

/** The one that TLS shows to proxies and servers that ask for it. */
function judgeClientCertificate({ options }: Patient): Finding | undefined {
  const { tls } = options.connection;
  const [certificate] = tls?.client === undefined ? [] : readCertificates(tls.client.chain);
  const advice = 'Have the client certificate of TLS renewed.';
  return certificate && judgeEnd('TLS client certificate', certificate, options.now(), advice);
}

function judgeEnd(kind: string, certificate: X509Certificate, now: Date, advice: string): Finding {
  const { subject, fingerprint, validFromDate, validToDate } = certificate;
  const leftMs = validToDate.getTime() - now.getTime();
  const end = validToDate.toISOString();
  // Entra's portal names certificates by their SHA-1.
  const thumbprint = fingerprint.replaceAll(':', '');
  const details = { kind, subject: commonName(subject), thumbprint, notAfter: end };
  const saw = `The ${kind} ${commonName(subject)} (thumbprint ${thumbprint})`;
  if (leftMs < 0) {
    return { state: 'failed', saw: `${saw} ended on ${end.slice(0, 10)}.`, advice, details };
  }
  if (now < validFromDate) {
    const begin = validFromDate.toISOString();
    return {
      state: 'failed',
      saw: `${saw} begins only on ${begin}.`,
      advice: 'Check the clock of this machine.',
      details,
    };
  }
  const days = Math.floor(leftMs / dayMs);
  const ends = `${saw} ends on ${end.slice(0, 10)}, in ${days} ${days === 1 ? 'day' : 'days'}.`;
  return leftMs < endsSoonMs ? { state: 'warning', saw: ends, advice, details } : { state: 'ok', saw: ends, details };
}

/** A token of another issuer (RFC 7523), as Kubernetes and others put into a file. */
async function judgeTokenFile(file: string, now: Date, call: Call): Promise<Finding> {
  const claims = readTokenPayload(await readCredentialFile(file, call));
  if (claims === undefined) {
    return { state: 'failed', saw: `The file ${file} holds no JSON Web Token.`, advice: 'See what writes it.' };
  }
  const [iss, sub, aud] = [shown(claims['iss']), shown(claims['sub']), shown(claims['aud'])];
  const details = { iss, sub, aud };
  const saw = `A federated token of ${iss ?? 'nobody'} for ${sub ?? 'nobody'}`;
  const endMs = typeof claims['exp'] === 'number' ? claims['exp'] * 1000 : Number.POSITIVE_INFINITY;
  if (endMs > now.getTime()) {
    return { state: 'ok', saw: `${saw}.`, details };
  }
  const advice = 'Whatever writes the file has stopped: see that it renews the token.';
  return { state: 'failed', saw: `${saw} that has ended.`, advice, details };
}

/** What the federated credential in Entra has to repeat to the letter. */
function shown(claim: unknown): string | null {
  return typeof claim === 'string' ? toLine(claim, 1000) : null;
}

const severity = { skipped: 0, ok: 1, warning: 2, failed: 3 } as const;

/** Both in one, in the state of the worse. */
function worse(one: Finding, other: Finding | undefined): Finding {
  if (other === undefined) {
    return one;
  }
  const [first, second] = severity[other.state] > severity[one.state] ? [other, one] : [one, other];
  const details = { ...one.details, tlsClientCertificate: other.details ?? {} };
  return { ...first, saw: `${first.saw} ${second.saw}`, details };
}
