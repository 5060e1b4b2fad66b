/** What a numbered refusal of Microsoft Entra means, and what to do about it. */
export interface EntraCodeDescription {
  /** One sentence: what Entra found. */
  readonly meaning: string;
  /** One or two sentences: what to look at first. */
  readonly advice: string;
}

const newSecret =
  'Create a new client secret in the Entra admin center (App registrations > your application > Certificates & secrets), and configure its value here.';
const federation =
  'Compare issuer, subject and audience of the federated credential (App registrations > your application > Certificates & secrets > Federated credentials) with the token presented, letter by letter.';
const cloudAndTenant = 'Check the tenant id and the cloud: each national cloud has a sign-in service of its own.';

/**
 * The refusals that a sign-in as an application meets, by their number as it stands in Entra's answer.
 * Source: Microsoft Entra authentication and authorization error codes.
 *
 * @example
 * ```ts
 * entraCodes[error.entraCode ?? '']?.meaning;
 * ```
 */
export const entraCodes: Readonly<Record<string, EntraCodeDescription>> = {
  AADSTS7000215: {
    meaning: 'The client secret is wrong.',
    advice: `Configure the value of the secret, not its id, and check that it belongs to this application. ${newSecret}`,
  },
  AADSTS7000222: {
    meaning: 'The client secret, or every secret of the application, has expired.',
    advice: newSecret,
  },
  AADSTS7000216: {
    meaning: 'The sign-in carried neither a client secret nor a client assertion.',
    advice: 'Configure a client secret, a certificate or a federated credential for the application.',
  },
  AADSTS7000218: {
    meaning: 'The sign-in carried neither a client secret nor a client assertion.',
    advice: 'Configure a client secret, a certificate or a federated credential for the application.',
  },
  AADSTS7000112: {
    meaning: 'The application is disabled in the tenant.',
    advice:
      'Enable it in the Entra admin center: Enterprise applications > your application > Properties > Enabled for users to sign-in.',
  },
  AADSTS7000229: {
    meaning: 'The application is registered, but has no service principal in the tenant.',
    advice: "Grant an administrator's consent to its permissions in this tenant; that creates the service principal.",
  },
  AADSTS700016: {
    meaning: 'The tenant knows no application with this client id.',
    advice: 'Check the application (client) id and the tenant. The object id is another id; do not use it here.',
  },
  AADSTS90002: {
    meaning: 'The tenant was not found.',
    advice: cloudAndTenant,
  },
  AADSTS900023: {
    meaning: 'The tenant is neither a valid id nor a valid domain name.',
    advice: 'Configure the directory (tenant) id or a verified domain name of the tenant.',
  },
  AADSTS900382: {
    meaning: 'The application belongs to another cloud than the sign-in service.',
    advice: cloudAndTenant,
  },
  AADSTS50034: {
    meaning: 'The account does not exist in the tenant.',
    advice: 'Check the tenant, and that the sign-in is that of the application and not of a user.',
  },
  AADSTS700027: {
    meaning: 'The client assertion is signed with a key that the application does not have.',
    advice:
      'Upload the certificate, whose private key is used here, to the application (App registrations > your application > Certificates & secrets), and check that it has not expired.',
  },
  AADSTS700024: {
    meaning: 'The client assertion is not valid at this time.',
    advice:
      'Set the clock of this machine by NTP. A federated token must be presented before it ends: read it anew for each sign-in.',
  },
  AADSTS700021: {
    meaning: 'The client assertion names another application than the sign-in.',
    advice: 'Check the application (client) id.',
  },
  AADSTS700023: {
    meaning: 'The client assertion is made out to another tenant or cloud.',
    advice: cloudAndTenant,
  },
  AADSTS50012: {
    meaning: 'The credential of the application was not accepted.',
    advice:
      'Check that the secret or certificate configured here is registered with the application and has not expired.',
  },
  AADSTS50013: {
    meaning: 'The signature of the assertion could not be verified.',
    advice:
      'Check that the token comes from the issuer that the federated credential names, and that Entra can read its keys from the internet.',
  },
  AADSTS70021: {
    meaning: 'No federated credential of the application matches the token presented.',
    advice: federation,
  },
  AADSTS700211: {
    meaning: 'No federated credential of the application has the issuer of the token presented.',
    advice: federation,
  },
  AADSTS700212: {
    meaning: 'No federated credential of the application has the audience of the token presented.',
    advice: federation,
  },
  AADSTS700213: {
    meaning: 'No federated credential of the application has the subject of the token presented.',
    advice: federation,
  },
  AADSTS53003: {
    meaning: 'A policy of Conditional Access blocks the sign-in.',
    advice:
      'Look up the sign-in in the Entra admin center (Sign-in logs > Service principal sign-ins), and allow this application or the address of this machine in the policy named there.',
  },
  AADSTS90094: {
    meaning: "An administrator's consent is required.",
    advice: 'Grant it: App registrations > your application > API permissions > Grant admin consent.',
  },
  AADSTS65001: {
    meaning: 'Nobody has consented to the permissions of the application.',
    advice:
      "Grant an administrator's consent: App registrations > your application > API permissions > Grant admin consent.",
  },
  AADSTS500011: {
    meaning: 'The tenant does not know the service that the token is for.',
    advice: 'Check that the tenant has Intune, and that cloud, graphUrl and intuneResource are those of this tenant.',
  },
  AADSTS1002012: {
    meaning: 'The scope is not one that an application can ask for.',
    advice:
      'Check graphUrl and intuneResource: each must be the identifier of the service, without a permission behind it.',
  },
  AADSTS90024: {
    meaning: 'Entra was too busy.',
    advice: 'Try again later.',
  },
  AADSTS90033: {
    meaning: 'Entra is temporarily unavailable.',
    advice: 'Try again later.',
  },
} satisfies Record<`AADSTS${number}`, EntraCodeDescription>;

/** The number by which a text of Entra's begins; `undefined` when it has none. */
export function entraCodeIn(text: string): string | undefined {
  return /AADSTS\d+/.exec(text)?.[0];
}

/**
 * What to do about a failed sign-in. Always a sentence.
 * @param entraCode Entra's number, such as `AADSTS7000215`, if it gave one
 */
export function signInAdvice(entraCode: string | undefined): string {
  const known = entraCode !== undefined && Object.hasOwn(entraCodes, entraCode) ? entraCodes[entraCode] : undefined;
  if (known !== undefined) {
    return known.advice;
  }
  return entraCode === undefined
    ? 'Check tenant, application (client) id and credential of the application in Microsoft Entra.'
    : `Look up ${entraCode} at https://login.microsoftonline.com/error, and check tenant, application (client) id and credential.`;
}
