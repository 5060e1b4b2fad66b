import type { IntuneCredential } from '../credentials/credential-options.ts';
import { IntuneArgumentError } from '../errors.ts';
import { definedMembers } from './defined-members.ts';
import type { PropertyReader } from './property-reader.ts';

/** Each says by itself how to sign in, and so excludes the others. */
const proofs = [
  'AAD_APP_KEY',
  'AAD_APP_KEY_FILE',
  'AAD_APP_CERTIFICATE_FILE',
  'AAD_MANAGED_IDENTITY',
  'AAD_FEDERATED_TOKEN_FILE',
] as const;

type Proof = (typeof proofs)[number];

/**
 * Whether to sign in as Kubernetes' workload identity webhook has set it up: it sets its variables in every container
 * it is told to, so they count only where nothing else was configured.
 */
export function usesAzureNames(reader: PropertyReader): boolean {
  return reader.has('AZURE_FEDERATED_TOKEN_FILE') && !proofs.some((proof) => reader.has(proof));
}

export function credentialFromProperties(reader: PropertyReader): IntuneCredential {
  if (usesAzureNames(reader)) {
    const clientId = reader.text('AAD_APP_ID') ?? reader.required('AZURE_CLIENT_ID', 'with AZURE_FEDERATED_TOKEN_FILE');
    return { clientId, federatedToken: { file: reader.required('AZURE_FEDERATED_TOKEN_FILE') } };
  }
  const proof = chooseProof(reader);
  if (proof !== 'AAD_APP_CERTIFICATE_FILE' && reader.has('AAD_APP_CERTIFICATE_KEY_FILE')) {
    throw new IntuneArgumentError('AAD_APP_CERTIFICATE_FILE', 'is required with AAD_APP_CERTIFICATE_KEY_FILE');
  }
  return credentialOf(proof, reader);
}

function chooseProof(reader: PropertyReader): Proof {
  const [first, second] = proofs.filter((proof) => reader.has(proof));
  if (first !== undefined && second !== undefined) {
    throw new IntuneArgumentError(second, `excludes ${first}`);
  }
  return first ?? 'AAD_APP_KEY';
}

function credentialOf(proof: Proof, reader: PropertyReader): IntuneCredential {
  if (proof === 'AAD_MANAGED_IDENTITY') {
    return managedIdentity(reader);
  }
  const clientId = reader.required('AAD_APP_ID');
  switch (proof) {
    case 'AAD_APP_KEY':
      return { clientId, clientSecret: clientSecret(reader) };
    case 'AAD_APP_KEY_FILE':
      return { clientId, clientSecretFile: reader.required('AAD_APP_KEY_FILE') };
    case 'AAD_FEDERATED_TOKEN_FILE':
      return { clientId, federatedToken: { file: reader.required('AAD_FEDERATED_TOKEN_FILE') } };
    case 'AAD_APP_CERTIFICATE_FILE':
      return {
        clientId,
        certificateFile: reader.required('AAD_APP_CERTIFICATE_FILE'),
        ...definedMembers({
          privateKeyFile: reader.text('AAD_APP_CERTIFICATE_KEY_FILE'),
          passphrase: reader.exact('AAD_APP_CERTIFICATE_PASSWORD'),
        }),
      };
    default:
      return proof satisfies never;
  }
}

/** Entra makes secrets of letters, digits and `~._-`: a blank or quotation mark at an end is a slip that no message of Entra's would show. */
function clientSecret(reader: PropertyReader): string {
  const others = proofs.filter((proof) => proof !== 'AAD_APP_KEY').join(', ');
  const secret = reader.required('AAD_APP_KEY', `unless one of ${others} is given`);
  if (secret !== reader.exact('AAD_APP_KEY')) {
    throw new IntuneArgumentError('AAD_APP_KEY', 'must not begin or end with a blank');
  }
  return secret;
}

function managedIdentity(reader: PropertyReader): IntuneCredential {
  const name = reader.required('AAD_MANAGED_IDENTITY');
  const isSystemAssigned = name.toLowerCase() === 'system';
  const clientId = reader.text('AAD_APP_ID');
  if (clientId === undefined) {
    return { managedIdentity: isSystemAssigned ? true : { clientId: name } };
  }
  if (isSystemAssigned) {
    const problem =
      'must be the client id of a user-assigned identity: Microsoft Entra takes no other as a federated credential. Leave out AAD_APP_ID to sign in as the identity itself';
    throw new IntuneArgumentError('AAD_MANAGED_IDENTITY', problem);
  }
  return { clientId, federatedToken: { managedIdentity: { clientId: name } } };
}
