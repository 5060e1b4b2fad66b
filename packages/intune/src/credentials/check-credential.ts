import { checkBoolean, checkObject, checkText } from '../arguments.ts';
import { IntuneArgumentError } from '../errors.ts';
import { checkPassphrase, checkPem, pemText } from '../http/check-pem.ts';
import { matchKeyPair, readCertificates, readPrivateKey } from '../http/pem.ts';
import { checkSigningPair } from './client-certificate.ts';
import type {
  CertificateUse,
  ClientCertificate,
  ClientCertificateFile,
  ClientSecret,
  ClientSecretFile,
  IntuneCredential,
  ManagedIdentity,
  ManagedIdentityId,
  WorkloadIdentity,
} from './credential-options.ts';
import type { TokenCredential } from './token-credential.ts';

type Members = Readonly<Record<string, unknown>>;

/** The member that makes a credential one of its kind, and the check of the kind's members. */
const kinds = {
  clientSecret: checkClientSecret,
  clientSecretFile: checkClientSecretFile,
  certificate: checkCertificate,
  certificateFile: checkCertificateFile,
  managedIdentity: (members) => checkManagedIdentity('credential', members),
  federatedToken: checkWorkloadIdentity,
} as const satisfies Readonly<Record<string, (members: Members) => IntuneCredential>>;

const kindNames = Object.keys(kinds) as (keyof typeof kinds)[];

/**
 * A copy with every member checked; what is in files is checked at sign-in.
 * @throws {IntuneArgumentError} naming the member that is wrong
 */
export function checkCredential(value: unknown): IntuneCredential {
  if (typeof value !== 'object' || value === null) {
    throw new IntuneArgumentError('credential', 'must be a token credential or an object that describes one');
  }
  if ('getToken' in value && typeof value.getToken === 'function') {
    return value as TokenCredential;
  }
  const members: Members = { ...value };
  const [kind, other] = kindNames.filter((each) => members[each] !== undefined);
  if (kind === undefined) {
    const others = kindNames.slice(1).join(', ');
    throw new IntuneArgumentError('credential.clientSecret', `must be a string, or one of ${others} must be there`);
  }
  if (other !== undefined) {
    throw new IntuneArgumentError(`credential.${other}`, `excludes ${kind}: a credential is of one kind`);
  }
  return kinds[kind](members);
}

function checkClientSecret(members: Members): ClientSecret {
  return {
    clientId: checkClientId(members),
    clientSecret: checkText('credential.clientSecret', members['clientSecret'], { maximumLength: 4096 }),
  };
}

function checkClientSecretFile(members: Members): ClientSecretFile {
  return { clientId: checkClientId(members), clientSecretFile: checkPath('credential.clientSecretFile', members) };
}

function checkCertificate(members: Members): ClientCertificate {
  const use = checkCertificateUse(members);
  const certificates = checkPem('credential.certificate', members['certificate'], readCertificates);
  const { privateKey: key } = members;
  checkPem('credential.privateKey', key, (text) =>
    checkSigningPair(matchKeyPair(certificates, readPrivateKey(text, use.passphrase))),
  );
  return { ...use, certificate: String(pemText(members['certificate'])), privateKey: String(pemText(key)) };
}

function checkCertificateFile(members: Members): ClientCertificateFile {
  const certificateFile = checkPath('credential.certificateFile', members);
  const privateKeyFile =
    members['privateKeyFile'] === undefined ? certificateFile : checkPath('credential.privateKeyFile', members);
  return { ...checkCertificateUse(members), certificateFile, privateKeyFile };
}

function checkCertificateUse(members: Members): CertificateUse {
  const passphrase = checkPassphrase('credential.passphrase', members['passphrase']);
  const sendCertificateChain = checkBoolean(
    'credential.sendCertificateChain',
    members['sendCertificateChain'] ?? false,
  );
  return { clientId: checkClientId(members), sendCertificateChain, ...(passphrase !== undefined && { passphrase }) };
}

function checkWorkloadIdentity(members: Members): WorkloadIdentity {
  const clientId = checkClientId(members);
  const { federatedToken } = members;
  if (typeof federatedToken === 'function') {
    return { clientId, federatedToken: federatedToken as () => Promise<string> };
  }
  const name = 'credential.federatedToken';
  const source: Members = { ...checkObject(name, federatedToken as object) };
  if (source['managedIdentity'] === undefined) {
    return { clientId, federatedToken: { file: checkPath(`${name}.file`, source) } };
  }
  if (source['file'] !== undefined) {
    throw new IntuneArgumentError(`${name}.file`, 'excludes managedIdentity');
  }
  const { managedIdentity, ...platform } = checkManagedIdentity(name, source);
  if (managedIdentity === true) {
    const problem = 'must be a user-assigned identity: Microsoft Entra takes no other as a federated credential';
    throw new IntuneArgumentError(`${name}.managedIdentity`, problem);
  }
  const { audience } = source;
  return {
    clientId,
    federatedToken: {
      managedIdentity,
      ...platform,
      ...(audience !== undefined && { audience: checkText(`${name}.audience`, audience, { maximumLength: 1024 }) }),
    },
  };
}

function checkManagedIdentity(parent: string, members: Members): ManagedIdentity {
  const { environment } = members;
  return {
    managedIdentity: checkManagedIdentityId(`${parent}.managedIdentity`, members['managedIdentity']),
    ...(environment !== undefined && {
      environment: checkObject(`${parent}.environment`, environment as Record<string, string | undefined>),
    }),
  };
}

function checkManagedIdentityId(argument: string, value: unknown): ManagedIdentityId {
  if (value === true) {
    return true;
  }
  const ids = Object.entries(typeof value === 'object' && value !== null ? value : {});
  const [name, id] = ids[0] ?? [];
  if (ids.length !== 1 || name === undefined || !['clientId', 'objectId', 'resourceId'].includes(name)) {
    throw new IntuneArgumentError(argument, 'must be true, or an object with one of clientId, objectId and resourceId');
  }
  // The key is one of the three.
  return { [name]: checkText(`${argument}.${name}`, id, { maximumLength: 1024 }) } as ManagedIdentityId;
}

function checkClientId(members: Members): string {
  return checkText('credential.clientId', members['clientId'], { maximumLength: 256 });
}

/** `argument` ends with the member's name. */
function checkPath(argument: string, members: Members): string {
  const path = checkText(argument, members[argument.slice(argument.lastIndexOf('.') + 1)], { maximumLength: 4096 });
  if (path.includes('\0')) {
    throw new IntuneArgumentError(argument, 'must be the path of a file');
  }
  return path;
}
