/** The configuration file's form. `docs/configuration.md` says the same in words; a test holds the two together. */
import { authorityKeyTypes, rsaKeyTypes } from '@scepter/ca';
import { oid } from '@scepter/x509';
import { z } from 'zod';
import { parseAddressRange } from '../ip-address.ts';
import { didYouMean, listOf } from './problems.ts';
import { tokenPermissions } from './settings.ts';

/** An object that takes the settings of `shape` and no others: a misspelt setting must not go unnoticed. */
function settings<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== 'unrecognized_keys') return undefined;
      const [key = ''] = issue.keys;
      const known = Object.keys(shape);
      return `is not a setting${didYouMean(key, known) || `; known here: ${known.join(', ')}`}`;
    },
  });
}

function wholeNumber(minimum: number, maximum: number, reason: string) {
  const sentence = `must be a whole number from ${minimum} to ${maximum}: ${reason}`;
  return z.int(sentence).min(minimum, sentence).max(maximum, sentence);
}

function matching(pattern: RegExp, sentence: string) {
  return z.string().regex(pattern, sentence);
}

function url(protocol: 'http' | 'https', reason: string) {
  const sentence = `must be a URL like ${protocol}://host, without user name, query or fragment: ${reason}`;
  return z.string().refine((text) => {
    const parsed = URL.parse(text);
    if (parsed?.protocol !== `${protocol}:`) return false;
    return parsed.username === '' && parsed.password === '' && !/[?#\s]/.test(text);
  }, sentence);
}

/** Names become parts of URLs and of log lines. */
const name = z.string().regex(/^[a-z0-9-]{1,40}$/);
const filePath = z.string().min(1).max(4096);

/** Secrets stay out of the file, so that it can be shown, copied and put under version control. */
const secret = z
  .union([settings({ file: filePath }), settings({ environment: z.string().min(1).max(256) })], {
    error: (issue) =>
      issue.input === undefined
        ? 'is missing'
        : 'must be {"file": "path"} or {"environment": "NAME"}: the secret itself does not belong in this file',
  })
  .meta({ title: 'Secret' });

/** X.520 ub-organization-name and ub-common-name are 64; the name of the CA gets up to 16 characters more. */
const organization = matching(/^[^\p{C}]{1,64}$/u, 'must have 1 to 64 characters, none of them a control character');
const commonNamePrefix = matching(
  /^[^\p{C}]{1,48}$/u,
  'must have 1 to 48 characters, none of them a control character',
);

const authority = settings({
  organization,
  commonNamePrefix: commonNamePrefix.optional(),
  keys: settings({
    root: z.enum(authorityKeyTypes).default('rsa-3072'),
    issuing: z.enum(authorityKeyTypes).default('rsa-2048'),
    registration: z.enum(rsaKeyTypes).default('rsa-2048'),
  }).prefault({}),
  registration: z.enum(['separate', 'none']).default('separate'),
}).refine(({ keys, registration }) => registration === 'separate' || keys.issuing.startsWith('rsa'), {
  path: ['keys', 'issuing'],
  error: 'must be an RSA key where registration is "none": requests are then encrypted to it',
});

const listenHost = matching(/^[A-Za-z0-9.:-]{1,253}$/, 'must be a host name or an address').default('127.0.0.1');

const listen = settings({
  host: listenHost,
  port: wholeNumber(0, 65_535, 'TCP has no others, and 0 takes any free port').default(8080),
  trustedProxies: z
    .array(
      z
        .string()
        .refine(
          (text) => parseAddressRange(text) !== undefined,
          'must be an address or a range of addresses, such as 10.0.0.0/8, without bits behind the prefix',
        ),
    )
    .max(100)
    .default([]),
});

const guid = /^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/;
const clientId = matching(guid, 'must be the application (client) ID, a GUID');

/** A certificate with its private key; without `privateKeyFile` both are in one file. */
const keyPair = { certificateFile: filePath, privateKeyFile: filePath.optional(), passphrase: secret.optional() };

const userAssignedIdentities = [
  settings({ clientId: matching(guid, 'must be the client ID of a user-assigned identity, a GUID') }),
  settings({ objectId: matching(guid, 'must be the object ID of a user-assigned identity, a GUID') }),
  settings({ resourceId: z.string().min(1).max(1024) }),
] as const;
const managedIdentity = z.union([z.literal(true), ...userAssignedIdentities], {
  error: 'must be true, or name a user-assigned identity by one of clientId, objectId and resourceId',
});
/** Microsoft Entra takes no others for a federated credential. */
const userAssignedIdentity = z.union(userAssignedIdentities, {
  error: 'must name a user-assigned identity by one of clientId, objectId and resourceId',
});

/** A token of somebody else that stands for the application: from a file, or of a managed identity. */
const workloadIdentity = settings({
  federatedTokenFile: filePath.optional(),
  managedIdentity: userAssignedIdentity.optional(),
  audience: matching(/^[\x21-\x7e]{1,256}$/, 'must be the audience of the federated credential').optional(),
}).superRefine(({ federatedTokenFile, managedIdentity: identity, audience }, context) => {
  const problem = (path: string, message: string): void => {
    context.addIssue({ code: 'custom', path: [path], message });
  };
  if (federatedTokenFile === undefined && identity === undefined) {
    problem('federatedTokenFile', 'is missing: a workload identity needs it or managedIdentity');
  }
  if (federatedTokenFile !== undefined && identity !== undefined) {
    problem('managedIdentity', 'excludes federatedTokenFile');
  }
  if (audience !== undefined && identity === undefined) {
    problem('audience', "belongs to managedIdentity; a token in a file has its issuer's");
  }
});

const proxy = settings({
  protocol: z.enum(['http', 'https']).default('http'),
  host: matching(/^[A-Za-z0-9.:_-]{1,253}$/, 'must be a host name or an address, without protocol and port'),
  port: wholeNumber(1, 65_535, 'TCP has no others'),
  username: matching(/^[^\p{Cc}:]{1,1024}$/u, 'must have no colon (RFC 7617) and no control characters').optional(),
  password: secret.optional(),
}).refine(({ username, password }) => password === undefined || username !== undefined, {
  path: ['username'],
  error: 'is missing: a password needs one',
});

const connection = settings({
  tenantId: matching(
    /^([0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|([a-zA-Z0-9-]{1,63}\.)+[a-zA-Z]{2,63})$/,
    'must be the directory (tenant) ID or a domain of the tenant',
  ),
  clientId: clientId.optional(),
  clientSecret: secret.optional(),
  clientCertificate: settings({ ...keyPair, sendCertificateChain: z.boolean().default(false) }).optional(),
  managedIdentity: managedIdentity.optional(),
  workloadIdentity: workloadIdentity.optional(),
  cloud: z.enum(['public', 'usGovernment', 'usGovernmentDod', 'china']).default('public'),
  authorityUrl: url('https', 'the client secret is sent there').optional(),
  graphUrl: url('https', 'an access token is sent there').optional(),
  intuneResource: url('https', 'it names the Intune API').optional(),
  tlsCaFile: filePath.optional(),
  tls: settings(keyPair).optional(),
  proxy: proxy.optional(),
  allowLoopback: z.boolean().default(false),
  timeoutMs: wholeNumber(1000, 60_000, 'Intune needs a second, and a device may wait for two such calls').default(
    30_000,
  ),
  attemptTimeoutMs: wholeNumber(500, 60_000, 'Intune needs a second, and what is cut off is asked again').optional(),
}).superRefine(checkConnectionParts);

const credentialKinds = ['clientSecret', 'clientCertificate', 'managedIdentity', 'workloadIdentity'] as const;

/** What no single setting shows: exactly one way to sign in, and what belongs to it. */
function checkConnectionParts(
  value: Readonly<Partial<Record<(typeof credentialKinds)[number] | 'clientId' | 'intuneResource', unknown>>> & {
    readonly cloud: string;
    readonly timeoutMs: number;
    readonly attemptTimeoutMs?: number | undefined;
  },
  context: z.core.$RefinementCtx,
): void {
  const problem = (path: string, message: string): void => {
    context.addIssue({ code: 'custom', path: [path], message });
  };
  const [kind, second] = credentialKinds.filter((each) => value[each] !== undefined);
  if (kind === undefined) {
    problem('clientSecret', `is missing: a connection needs one of ${listOf(credentialKinds)}`);
  } else if (second !== undefined) {
    problem(second, `excludes ${kind}: a connection has one kind of credential`);
  } else if (kind === 'managedIdentity' && value.clientId !== undefined) {
    problem('clientId', 'must not stand beside managedIdentity, which has a client ID of its own');
  } else if (kind !== 'managedIdentity' && value.clientId === undefined) {
    problem('clientId', 'is missing');
  }
  if (value.cloud === 'china' && value.intuneResource === undefined) {
    problem('intuneResource', 'is missing: Microsoft names none for this cloud');
  }
  if ((value.attemptTimeoutMs ?? 0) > value.timeoutMs) {
    problem('attemptTimeoutMs', 'must not be longer than timeoutMs');
  }
}

/** The three that would make a device an authority of some kind have no name here; by OID the profile refuses them. */
export const extendedKeyUsageNames: Readonly<Record<string, string>> = {
  clientAuth: oid.clientAuth,
  serverAuth: oid.serverAuth,
  emailProtection: oid.emailProtection,
  codeSigning: oid.codeSigning,
  smartCardLogon: oid.smartCardLogon,
  ipsecEndSystem: oid.ipsecEndSystem,
  ipsecTunnel: oid.ipsecTunnel,
  ipsecUser: oid.ipsecUser,
  ipsecIke: oid.ipsecIke,
};

const extendedKeyUsage = z
  .string()
  .refine(
    (text) => Object.hasOwn(extendedKeyUsageNames, text) || /^[0-2](\.(0|[1-9]\d{0,15})){1,20}$/.test(text),
    `must be an OID in dotted form, or ${listOf(Object.keys(extendedKeyUsageNames))}`,
  );
const keyUsage = z.enum(['digitalSignature', 'nonRepudiation', 'keyEncipherment', 'dataEncipherment', 'keyAgreement']);
const rsaBits = wholeNumber(2048, 8192, 'shorter keys are weak, and longer ones take seconds to use');
const urls = z.array(url('http', 'verifiers fetch it without a TLS check of their own (RFC 5280, section 8)')).max(5);

const certificateProfile = settings({
  validityDays: wholeNumber(1, 3650, 'no certificate outlives the issuing CA').default(365),
  backdateHours: wholeNumber(0, 168, 'a clock that is further behind is simply wrong').default(24),
  keyUsages: z.array(keyUsage).min(1).default(['digitalSignature', 'keyEncipherment']),
  defaultKeyUsages: z.array(keyUsage).min(1).optional(),
  extendedKeyUsages: z.array(extendedKeyUsage).min(1).max(20).default(['clientAuth']),
  defaultExtendedKeyUsages: z.array(extendedKeyUsage).min(1).max(20).optional(),
  subjectAltNameKinds: z
    .array(z.enum(['dns', 'email', 'uri', 'upn', 'ip']))
    .default(['dns', 'email', 'uri', 'upn', 'ip']),
  requireSubject: z.boolean().default(false),
  rsaBits: settings({ minimum: rsaBits.default(2048), maximum: rsaBits.default(4096) }).prefault({}),
  ecCurves: z.array(z.enum(['P-256', 'P-384', 'P-521'])).default(['P-256', 'P-384', 'P-521']),
  crlUrls: urls.optional(),
  caIssuerUrls: urls.optional(),
  digest: z.enum(['sha256', 'sha384', 'sha512']).default('sha256'),
});

/** Without a challenge of its own, it takes those that are made at run time. */
const staticChallenge = settings({
  kind: z.literal('static-challenge'),
  challenge: secret.optional(),
  challengeHash: z.string().max(256).optional(),
  expiresAt: z.iso
    .datetime({ offset: true, error: 'must be a date and time with its zone, such as 2027-01-31T00:00:00Z' })
    .optional(),
  maximumUses: wholeNumber(1, 1_000_000, 'each use is a row of the database').optional(),
}).superRefine(({ challenge, challengeHash, expiresAt, maximumUses }, context) => {
  const problem = (path: string, message: string): void => {
    context.addIssue({ code: 'custom', path: [path], message });
  };
  if (challenge !== undefined && challengeHash !== undefined) problem('challengeHash', 'excludes challenge');
  if (challenge !== undefined || challengeHash !== undefined) return;
  if (expiresAt !== undefined) problem('expiresAt', 'belongs to a challenge: set challenge or challengeHash');
  if (maximumUses !== undefined) problem('maximumUses', 'belongs to a challenge: set challenge or challengeHash');
});

const authorizer = z.discriminatedUnion('kind', [
  settings({ kind: z.literal('intune'), connection: z.string() }),
  settings({
    kind: z.literal('manual'),
    pendingDays: wholeNumber(1, 90, 'a person must get to decide, and a forgotten request must end').default(7),
    pendingRequests: wholeNumber(1, 100_000, 'anybody can send requests, and each is kept').default(1000),
    pendingRequestsPerAddress: wholeNumber(1, 100_000, 'one client must not take the place of all others').default(100),
  }),
  staticChallenge,
  settings({ kind: z.literal('one-time-challenge') }),
]);

const endpoint = settings({
  authorizer,
  certificateProfile: z.string().default('default'),
  algorithms: z.enum(['modern', 'compatible', 'legacy']).default('modern'),
  caCertificates: z.enum(['chain', 'issuer', 'single']).optional(),
  renewal: z.boolean().optional(),
  replyCertificates: z.enum(['leaf', 'chain']).default('leaf'),
});

const adminToken = settings({
  secret,
  permissions: z.array(z.enum(tokenPermissions)).min(1),
});

const admin = settings({
  listen: settings({
    host: listenHost,
    port: wholeNumber(0, 65_535, 'TCP has no others, and 0 takes any free port').default(0),
  }).prefault({}),
  behindTlsProxy: z.boolean().default(false),
  tokens: z.record(name, adminToken).default({}),
});

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const limits = settings({
  bodyBytes: wholeNumber(16_384, 1_048_576, 'a request with an Intune challenge takes up to 16 KB').default(65_536),
  requestTimeoutMs: wholeNumber(1000, 120_000, 'a slow device must get through, a stalled one must not stay').default(
    10_000,
  ),
  workerTimeoutMs: wholeNumber(
    2000,
    MINUTE_MS,
    'one message takes milliseconds, but a backup may hold up the server for a second',
  ).default(5000),
  workers: wholeNumber(1, 64, 'each is a thread').optional(),
  concurrentRequests: wholeNumber(1, 10_000, 'each holds its message in memory').default(512),
  concurrentRequestsPerAddress: wholeNumber(1, 10_000, 'the devices behind one NAT share an address').default(256),
  requestsPerMinute: wholeNumber(60, 10_000_000, 'more than the machine can answer would hold up everybody').default(
    120_000,
  ),
  requestsPerMinutePerAddress: wholeNumber(1, 10_000_000, 'the devices behind one NAT share an address').default(1200),
  requestBurstPerAddress: wholeNumber(3, 1_000_000, 'one enrollment takes three requests').default(1500),
  connections: wholeNumber(16, 65_536, 'each takes a file descriptor and up to 160 KB').default(2048),
  connectionsPerAddress: wholeNumber(1, 65_536, 'the devices behind one NAT share an address').default(512),
  keepAliveMs: wholeNumber(
    1000,
    600_000,
    'an idle connection costs a file descriptor, and a balancer must close its own first',
  ).default(15_000),
  minimumBytesPerSecond: wholeNumber(
    1,
    1_048_576,
    'a slow network must get through, a stalling client must not',
  ).default(512),
  wrongChallengesPerAddress: wholeNumber(
    1,
    1000,
    'a shared challenge must not be guessed, and the devices behind one NAT share an address',
  ).default(60),
  withheldClaimMs: wholeNumber(
    MINUTE_MS,
    3 * DAY_MS,
    'a device must get to retry, and a certificate that nobody has must not stay valid',
  ).default(DAY_MS),
  crlValidityMs: wholeNumber(
    HOUR_MS,
    90 * DAY_MS,
    'verifiers must be able to fetch the next one, and must not trust an old one for long',
  ).default(7 * DAY_MS),
});

export const settingsSchema = settings({
  listen: listen.prefault({}),
  publicUrl: url('http', 'verifiers fetch CRLs without a TLS check of their own (RFC 5280, section 8)').optional(),
  dataFolder: filePath,
  masterSecret: secret.optional(),
  authority,
  connections: z.record(name, connection).default({}),
  certificateProfiles: z.record(name, certificateProfile).default({}),
  endpoints: z
    .record(name, endpoint)
    .refine((endpoints) => Object.keys(endpoints).length > 0, 'must name at least one endpoint'),
  defaultEndpoint: z.string().optional(),
  admin: admin.prefault({}),
  limits: limits.prefault({}),
});

export type ConfigurationFile = z.output<typeof settingsSchema>;
export type SecretReference = z.output<typeof secret>;
/** The profile of endpoints that name none, where the configuration does not describe it. */
export const defaultCertificateProfile: z.output<typeof certificateProfile> = certificateProfile.parse({});
