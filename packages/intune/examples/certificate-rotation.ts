/**
 * The application signs in with a certificate, which is replaced while the server runs: register the new one in Entra
 * beside the old one, put it in place here, and remove the old one from Entra. No call is lost on the way.
 */
import { readFile } from 'node:fs/promises';
import { IntuneClient, type ClientCertificate, type IntuneClientOptions } from '@scepter/intune';

type Tenant = Omit<IntuneClientOptions, 'credential'>;

/** Files are read anew at every sign-in: it is enough to replace them. Certificate and key are in one PEM file. */
export function connectWithCertificateFile(tenant: Tenant, clientId: string, certificateFile: string): IntuneClient {
  return new IntuneClient({ ...tenant, credential: { clientId, certificateFile } });
}

/** For a certificate from elsewhere, such as a vault: call this whenever there is a new one. */
export async function rotateCertificate(
  client: IntuneClient,
  clientId: string,
  files: { readonly certificate: string; readonly privateKey: string },
): Promise<void> {
  const [certificate, privateKey] = await Promise.all([
    readFile(files.certificate, 'utf8'),
    readFile(files.privateKey, 'utf8'),
  ]);
  const credential: ClientCertificate = { clientId, certificate, privateKey };
  // Throws when certificate and key do not belong together; the old credential then stays in use.
  client.replaceCredential(credential);
}
