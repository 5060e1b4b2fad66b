/** One connection of the configuration file, with what it refers to. */
import type { IntuneCredential, ProxyOptions, TlsOptions, WorkloadIdentity } from '@scepter/intune';
import type { ConfigurationFile } from './schema.ts';
import { readSecret, readSettingsFile } from './secrets.ts';
import type { Surroundings } from './secrets.ts';
import { SettingsError } from './settings.ts';
import type { ConnectionSettings } from './settings.ts';

type ConnectionForm = ConfigurationFile['connections'][string];
type KeyPairForm = NonNullable<ConnectionForm['tls']>;

const clientSecretBounds = { minimumCharacters: 1, maximumCharacters: 1024 };
const passphraseBounds = clientSecretBounds;
const proxyPasswordBounds = clientSecretBounds;

/** @throws SettingsError when a file or secret is not there, or not of its kind */
export function toConnection(name: string, form: ConnectionForm, surroundings: Surroundings): ConnectionSettings {
  const path = `connections.${name}`;
  const { tenantId, cloud, authorityUrl, graphUrl, intuneResource, allowLoopback, timeoutMs, attemptTimeoutMs } = form;
  return {
    name,
    tenantId,
    credential: toCredential(path, form, surroundings),
    cloud,
    authorityUrl,
    graphUrl,
    intuneResource,
    tls: toTls(path, form, surroundings),
    proxy: form.proxy && toProxy(`${path}.proxy`, form.proxy, surroundings),
    allowLoopback,
    timeoutMs,
    attemptTimeoutMs,
  };
}

/**
 * The form has made sure that there is exactly one. What is in files is read here only to notice now, and not at the
 * first device, that it cannot be.
 */
function toCredential(path: string, form: ConnectionForm, surroundings: Surroundings): IntuneCredential {
  const { clientId = '', clientSecret, clientCertificate, managedIdentity, workloadIdentity } = form;
  if (clientSecret !== undefined) {
    const secret = readSecret(`${path}.clientSecret`, clientSecret, clientSecretBounds, surroundings);
    return 'file' in clientSecret
      ? { clientId, clientSecretFile: surroundings.resolvePath(clientSecret.file) }
      : { clientId, clientSecret: secret };
  }
  if (clientCertificate !== undefined) {
    const { sendCertificateChain } = clientCertificate;
    return {
      clientId,
      ...toKeyFiles(`${path}.clientCertificate`, clientCertificate, surroundings),
      sendCertificateChain,
    };
  }
  if (workloadIdentity !== undefined) {
    return { clientId, federatedToken: toFederatedToken(`${path}.workloadIdentity`, workloadIdentity, surroundings) };
  }
  return { managedIdentity: managedIdentity ?? true };
}

function toFederatedToken(
  path: string,
  { federatedTokenFile = '', managedIdentity, audience }: NonNullable<ConnectionForm['workloadIdentity']>,
  surroundings: Surroundings,
): WorkloadIdentity['federatedToken'] {
  if (managedIdentity !== undefined) {
    return { managedIdentity, ...(audience === undefined ? {} : { audience }) };
  }
  readSettingsFile(`${path}.federatedTokenFile`, federatedTokenFile, surroundings);
  return { file: surroundings.resolvePath(federatedTokenFile) };
}

function toKeyFiles(path: string, form: KeyPairForm, surroundings: Surroundings) {
  const { certificateFile, privateKeyFile = certificateFile } = form;
  readKeyPair(path, form, surroundings);
  return {
    certificateFile: surroundings.resolvePath(certificateFile),
    privateKeyFile: surroundings.resolvePath(privateKeyFile),
    ...toPassphrase(path, form, surroundings),
  };
}

function toTls(path: string, { tlsCaFile, tls }: ConnectionForm, surroundings: Surroundings): TlsOptions | undefined {
  if (tlsCaFile === undefined && tls === undefined) return undefined;
  return {
    ...(tlsCaFile === undefined ? {} : { ca: readPem(`${path}.tlsCaFile`, tlsCaFile, 'CERTIFICATE', surroundings) }),
    ...(tls === undefined
      ? {}
      : { ...readKeyPair(`${path}.tls`, tls, surroundings), ...toPassphrase(`${path}.tls`, tls, surroundings) }),
  };
}

function readKeyPair(path: string, { certificateFile, privateKeyFile }: KeyPairForm, surroundings: Surroundings) {
  const [keyPath, keyFile] =
    privateKeyFile === undefined ? ['certificateFile', certificateFile] : ['privateKeyFile', privateKeyFile];
  return {
    certificate: readPem(`${path}.certificateFile`, certificateFile, 'CERTIFICATE', surroundings),
    privateKey: readPem(`${path}.${keyPath}`, keyFile, 'PRIVATE KEY', surroundings),
  };
}

function toPassphrase(path: string, { passphrase }: KeyPairForm, surroundings: Surroundings): { passphrase?: string } {
  if (passphrase === undefined) return {};
  return { passphrase: readSecret(`${path}.passphrase`, passphrase, passphraseBounds, surroundings) };
}

function toProxy(
  path: string,
  { protocol, host, port, username, password }: NonNullable<ConnectionForm['proxy']>,
  surroundings: Surroundings,
): ProxyOptions {
  return {
    protocol,
    host,
    port,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined
      ? {}
      : { password: readSecret(`${path}.password`, password, proxyPasswordBounds, surroundings) }),
  };
}

function readPem(path: string, file: string, label: 'CERTIFICATE' | 'PRIVATE KEY', surroundings: Surroundings): string {
  const text = readSettingsFile(path, file, surroundings);
  if (text.includes('-----BEGIN ') && text.includes(`${label}-----`)) return text;
  const kind = label === 'CERTIFICATE' ? 'certificate' : 'private key';
  throw new SettingsError('settings.invalid', path, `${path}: the file ${file} holds no PEM ${kind}.`);
}
