/** A configuration for one tenant, complete but for the tenant's own values. */
export const configurationTemplate = {
  listen: { host: '127.0.0.1', port: 8080 },
  publicUrl: 'http://scep.example.com',
  dataFolder: 'data',
  authority: { organization: 'Example' },
  connections: {
    example: {
      tenantId: '00000000-0000-0000-0000-000000000000',
      clientId: '00000000-0000-0000-0000-000000000000',
      clientSecret: { environment: 'SCEPTER_CLIENT_SECRET' },
    },
  },
  certificateProfiles: {
    devices: { validityDays: 365, extendedKeyUsages: ['clientAuth'] },
  },
  endpoints: {
    intune: {
      authorizer: { kind: 'intune', connection: 'example' },
      certificateProfile: 'devices',
      algorithms: 'modern',
    },
  },
} as const;

/** What each value of the template means, in the file's order: its path, and a sentence. */
export const settingExplanations: readonly (readonly [string, string])[] = [
  ['listen', 'Address and port to listen on. 0.0.0.0 listens on every address.'],
  ['publicUrl', 'How devices and verifiers reach the server; it goes into certificates, for the CRL.'],
  ['dataFolder', 'Database and keys, relative to the file. Back it up as a whole.'],
  ['authority', "Organization in the names of the CA's certificates, made at the first start."],
  ['connections', 'Access to a tenant, under a name of yours: directory (tenant) ID and application (client) ID.'],
  [
    'clientSecret',
    'Never in the file itself: {"environment": "NAME"} takes it from a variable, {"file": "path"} from a file.',
  ],
  ['certificateProfiles', 'What certificates may say: validity in days, usages, and more.'],
  [
    'endpoints',
    'One SCEP URL each, /scep/NAME. The authorizer decides: "intune" asks a connection, "static-challenge" compares a secret given as "challenge", "one-time-challenge" takes those of `scepter challenge create`, "manual" asks a person.',
  ],
  ['algorithms', '"modern", "compatible" (also triple DES and SHA-1) or "legacy" (also single DES and MD5).'],
];
