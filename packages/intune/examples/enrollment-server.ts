/**
 * The smallest honest integration: an HTTP service that stands between a SCEP front end and a CA. It takes a PKCS #10
 * request with its transaction id, asks Intune, has the CA issue, tells Intune, and only then hands the certificate out.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { X509Certificate } from 'node:crypto';
import { hResults, IntuneError, IntuneRejectedError, type IntuneClient } from '@scepter/intune';

/** Your CA. */
export interface CertificationAuthority {
  /** @param certificateRequest base64 of the PKCS #10 request. @returns the certificate in PEM. @throws when it cannot be issued */
  issue(certificateRequest: string): Promise<string>;
  /** Called for a certificate that nobody may get: it was issued, and Intune does not know. */
  withhold(certificate: X509Certificate, transactionId: string): Promise<void>;
  log(message: string, error?: unknown): void;
}

interface Enrollment {
  readonly transactionId: string;
  readonly certificateRequest: string;
}

interface Reply {
  readonly status: number;
  readonly body: object;
}

/** Make the client once, for the whole life of the process. */
export function createEnrollmentServer(client: IntuneClient, ca: CertificationAuthority): Server {
  return createServer((request, response) => {
    answer(request, client, ca).then(
      (reply) => send(response, reply),
      (error: unknown) => {
        ca.log('Unexpected failure', error);
        send(response, { status: 500, body: { error: 'internal' } });
      },
    );
  });
}

async function answer(request: IncomingMessage, client: IntuneClient, ca: CertificationAuthority): Promise<Reply> {
  const enrollment = await readEnrollment(request);
  if (enrollment === undefined) {
    return { status: 400, body: { error: 'not an enrollment' } };
  }
  try {
    await client.validateRequest(enrollment);
  } catch (error) {
    return refuse(enrollment, error, ca);
  }
  const certificate = await issue(enrollment, client, ca);
  if (certificate === undefined) {
    return { status: 500, body: { error: 'not issued' } };
  }
  try {
    await client.notifySuccess({
      ...enrollment,
      certificateThumbprint: certificate.fingerprint.replaceAll(':', ''),
      certificateSerialNumber: certificate.serialNumber,
      certificateExpirationDateUtc: certificate.validToDate,
      issuingCertificateAuthority: certificate.issuer.replaceAll('\n', ','),
    });
  } catch (error) {
    // Whether Intune knows of it is not certain, so nobody may get it. The device comes again.
    ca.log(`${enrollment.transactionId}: Intune was not told`, error);
    await ca.withhold(certificate, enrollment.transactionId);
    return { status: 503, body: { error: 'try again' } };
  }
  return { status: 200, body: { certificate: certificate.toString() } };
}

/** Without Intune's yes nothing is issued. No failure notification is due: Intune knows, or cannot be reached. */
function refuse({ transactionId }: Enrollment, error: unknown, ca: CertificationAuthority): Reply {
  ca.log(`${transactionId}: not validated`, error);
  if (error instanceof IntuneRejectedError) {
    return { status: 403, body: { error: error.resultCode, advice: error.advice } };
  }
  const code = error instanceof IntuneError ? error.code : 'internal';
  return { status: code === 'intune.argument' ? 400 : 503, body: { error: code } };
}

/** The CA's own failures are reported, so that the administrator sees them in Intune. */
async function issue(
  enrollment: Enrollment,
  client: IntuneClient,
  ca: CertificationAuthority,
): Promise<X509Certificate | undefined> {
  try {
    return new X509Certificate(await ca.issue(enrollment.certificateRequest));
  } catch (error) {
    ca.log(`${enrollment.transactionId}: not issued`, error);
    const errorDescription = 'The CA could not issue the certificate; its log says why.';
    await client
      .notifyFailure({ ...enrollment, hResult: hResults.E_FAIL, errorDescription })
      .catch((reason: unknown) => ca.log(`${enrollment.transactionId}: Intune was not told`, reason));
    return undefined;
  }
}

/** A request with Intune's challenge in it has some kilobytes. */
const largestBodyBytes = 65_536;

/** What is in the two members is checked by the client, before anything is sent. */
async function readEnrollment(request: IncomingMessage): Promise<Enrollment | undefined> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk;
    if (text.length > largestBodyBytes) {
      return undefined;
    }
  }
  try {
    const { transactionId, certificateRequest } = JSON.parse(text) as Enrollment;
    return { transactionId, certificateRequest };
  } catch {
    return undefined;
  }
}

function send(response: ServerResponse, { status, body }: Reply): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
