import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import {
  authorityKeyIdentifierExtension,
  basicConstraintsExtension,
  buildName,
  crlDistributionPointsExtension,
  decodePublicKeyInfo,
  decodeSubjectKeyIdentifier,
  der,
  encodeAlgorithmIdentifier,
  encodeTbsCertificate,
  extendedKeyUsageExtension,
  findExtension,
  keyUsageExtension,
  oid,
  parseName,
  signatureAlgorithmFor,
  subjectAltNameExtension,
  subjectKeyIdentifierExtension,
} from '@scepter/x509';
import type { Extension, GeneralName, KeyUsage, TbsCertificateFields } from '@scepter/x509';
import { composeTbsCertificate, lintTbsCertificate } from '@scepter/ca';
import type { LintContext } from '@scepter/ca';
import { lints } from '../../src/lint/lint-tbs-certificate.ts';
import { readTbsCertificate } from '../../src/lint/tbs-certificate.ts';
import { createTestAuthority, deviceContents, newEcKey, newRsaKey, profile } from '../test-authorities.ts';
import type { TestAuthority } from '../test-authorities.ts';

const deviceKey = newRsaKey();
const otherKey = newRsaKey();

let authority: TestAuthority;
let fields: TbsCertificateFields;
let context: Required<LintContext>;

before(async () => {
  authority = await createTestAuthority();
  const { issuer } = authority;
  const contents = deviceContents(issuer, deviceKey);
  context = { issuer, profile, contents };
  const serialNumber = new Uint8Array(16).fill(0x55);
  const read = readTbsCertificate(composeTbsCertificate({ contents, profile, issuer, serialNumber }));
  fields = { ...read, publicKey: read.publicKey.encoded };
});

interface Case {
  fields?: Partial<TbsCertificateFields>;
  context?: Partial<LintContext>;
  /** Other lints that the same mistake cannot avoid. */
  also?: string[];
}

function withExtension(changed: Extension): Partial<TbsCertificateFields> {
  return {
    extensions: [...fields.extensions.filter((extension) => extension.oid !== changed.oid), changed],
  };
}

function without(type: string): Partial<TbsCertificateFields> {
  return { extensions: fields.extensions.filter((extension) => extension.oid !== type) };
}

function recritical(type: string, critical: boolean): Partial<TbsCertificateFields> {
  const extension = findExtension(fields.extensions, type);
  assert.ok(extension);
  return withExtension({ ...extension, critical });
}

function withSubject(text: string): Case {
  return { fields: { subject: parseName(text) }, also: ['contents_subject_mismatch'] };
}

function withNames(...names: GeneralName[]): Case {
  return {
    fields: withExtension(subjectAltNameExtension(names, false)),
    also: ['contents_subject_alt_names_mismatch'],
  };
}

function withUsages(...usages: KeyUsage[]): Partial<TbsCertificateFields> {
  return withExtension(keyUsageExtension(usages));
}

function plusMs(date: Date, ms: number): Date {
  return new Date(date.getTime() + ms);
}

const DAY_MS = 86_400_000;

/** One certificate for each lint, and the reason why it is refused. */
const cases: [lint: string, name: string, build: () => Case][] = [
  [
    'serial_number_not_positive',
    'serial number 0',
    () => ({ fields: { serialNumber: new Uint8Array(1) }, also: ['serial_number_size'] }),
  ],
  ['serial_number_size', 'a serial number of 7 bytes', () => ({ fields: { serialNumber: new Uint8Array(7).fill(1) } })],
  [
    'serial_number_size',
    'a serial number of 21 bytes',
    () => ({ fields: { serialNumber: new Uint8Array(21).fill(1) } }),
  ],
  [
    'serial_number_size',
    'a serial number of 20 bytes that needs a 21st for its sign',
    () => ({ fields: { serialNumber: new Uint8Array(20).fill(0xff) } }),
  ],
  [
    'signature_algorithm_mismatch',
    'SHA-1',
    () => ({ fields: { signatureAlgorithm: signatureAlgorithmFor(authority.issuer.publicKey, 'sha1') } }),
  ],
  [
    'signature_algorithm_mismatch',
    'no NULL parameters',
    () => ({ fields: { signatureAlgorithm: encodeAlgorithmIdentifier(oid.sha256WithRSA) } }),
  ],
  ['issuer_name_mismatch', 'another issuer', () => ({ fields: { issuer: parseName('CN=Other CA') } })],
  [
    'issuer_not_ca',
    'an issuer that is not a CA',
    () => ({
      context: {
        issuer: {
          ...authority.issuer,
          extensions: authority.issuer.extensions.filter(({ oid: type }) => type !== oid.basicConstraints),
        },
      },
    }),
  ],
  [
    'issuer_not_ca',
    'an issuer without keyCertSign',
    () => ({
      context: {
        issuer: {
          ...authority.issuer,
          extensions: authority.issuer.extensions.map((extension) =>
            extension.oid === oid.keyUsage ? keyUsageExtension(['cRLSign']) : extension,
          ),
        },
      },
    }),
  ],
  ['validity_empty', 'an end before its start', () => ({ fields: { notAfter: plusMs(fields.notBefore, -1000) } })],
  [
    'validity_before_issuer',
    'a start before the issuer',
    () => ({
      fields: { notBefore: plusMs(authority.issuer.notBefore, -1000), notAfter: plusMs(fields.notBefore, 1000) },
      also: ['contents_validity_mismatch'],
    }),
  ],
  [
    'validity_beyond_issuer',
    'an end after the issuer',
    () => ({
      fields: { notAfter: plusMs(authority.issuer.notAfter, 1000) },
      also: ['validity_too_long', 'contents_validity_mismatch'],
    }),
  ],
  [
    'validity_too_long',
    'a day more than the profile allows',
    () => ({ fields: { notAfter: plusMs(fields.notAfter, DAY_MS) }, also: ['contents_validity_mismatch'] }),
  ],
  [
    'subject_required',
    'an empty subject where the profile wants one',
    () => ({
      fields: { subject: buildName([]), ...recritical(oid.subjectAltName, true) },
      context: { profile: { ...profile, requireSubject: true } },
      also: ['contents_subject_mismatch'],
    }),
  ],
  ['subject_several_common_names', 'two common names', () => withSubject('CN=device-1,CN=administrator')],
  ['subject_several_common_names', 'two in one', () => withSubject('CN=device-1+CN=administrator,DC=contoso')],
  [
    'subject_attribute_empty',
    'an empty organization',
    () => ({
      fields: {
        subject: buildName([[{ type: oid.organizationName, value: '' }], [{ type: oid.commonName, value: 'a' }]]),
      },
      also: ['contents_subject_mismatch'],
    }),
  ],
  ['subject_attribute_too_long', 'a common name of 65 characters', () => withSubject(`CN=${'a'.repeat(65)}`)],
  ['subject_attribute_control_character', 'a NUL in the common name', () => withSubject('CN=admin\\00.device')],
  [
    'subject_alt_name_missing',
    'neither subject nor alternative name',
    () => ({
      fields: { subject: buildName([]), ...without(oid.subjectAltName) },
      also: ['contents_subject_mismatch', 'contents_subject_alt_names_mismatch'],
    }),
  ],
  [
    'subject_alt_name_empty',
    'an empty list of names',
    () => ({
      fields: withExtension({ oid: oid.subjectAltName, critical: false, value: der.sequence() }),
      also: ['contents_subject_alt_names_mismatch'],
    }),
  ],
  [
    'subject_alt_name_criticality',
    'critical names beside a subject',
    () => ({ fields: recritical(oid.subjectAltName, true) }),
  ],
  [
    'subject_alt_name_criticality',
    'names that are not critical without a subject',
    () => ({ fields: { subject: buildName([]) }, also: ['contents_subject_mismatch'] }),
  ],
  ['subject_alt_name_kind', 'a directory name', () => withNames({ kind: 'directory', name: parseName('CN=a') })],
  [
    'subject_alt_name_kind',
    'a DNS name in a profile of UPNs',
    () => ({ context: { profile: { ...profile, subjectAltNameKinds: ['upn', 'uri'] } } }),
  ],
  [
    'subject_alt_name_malformed',
    'a DNS name with a space',
    () => withNames({ kind: 'dns', value: 'a.example b.example' }),
  ],
  ['subject_alt_name_malformed', 'a wildcard', () => withNames({ kind: 'dns', value: '*.example' })],
  [
    'subject_alt_name_malformed',
    'a NUL in a DNS name',
    () => withNames({ kind: 'dns', value: 'bank.example\u0000.evil.example' }),
  ],
  ['subject_alt_name_malformed', 'an e-mail address without @', () => withNames({ kind: 'email', value: 'user' })],
  ['subject_alt_name_malformed', 'a relative URI', () => withNames({ kind: 'uri', value: '//example/path' })],
  ['subject_alt_name_malformed', 'a UPN with two @', () => withNames({ kind: 'upn', value: 'a@b@c' })],
  [
    'public_key_outside_profile',
    'a curve that the profile lacks',
    () => ({
      fields: ecFields(),
      context: { profile: { ...profile, ecCurves: ['P-384'] } },
      also: ['contents_public_key_mismatch', 'key_usage_unfit_for_key'],
    }),
  ],
  [
    'public_key_outside_profile',
    'RSA below the size of the profile',
    () => ({ context: { profile: { ...profile, rsaBits: { minimum: 3072, maximum: 4096 } } } }),
  ],
  [
    'public_key_outside_profile',
    'an Ed25519 key',
    () => {
      const algorithm = encodeAlgorithmIdentifier('1.3.101.112').encoded;
      const publicKey = decodePublicKeyInfo(der.sequence(algorithm, der.bitString(new Uint8Array(32))));
      return {
        fields: { publicKey: publicKey.encoded, ...withExtension(subjectKeyIdentifierExtension(publicKey)) },
        also: ['contents_public_key_mismatch'],
      };
    },
  ],
  [
    'public_key_is_issuers',
    "the issuer's key",
    () => {
      const { publicKey } = authority.issuer;
      return {
        fields: { publicKey: publicKey.encoded, ...withExtension(subjectKeyIdentifierExtension(publicKey)) },
        also: ['contents_public_key_mismatch'],
      };
    },
  ],
  [
    'extension_unknown',
    "Microsoft's SID extension",
    () => ({ fields: withExtension({ oid: oid.sidExtension, critical: false, value: der.sequence() }) }),
  ],
  [
    'extension_unknown',
    'certificate policies',
    () => ({ fields: withExtension({ oid: oid.certificatePolicies, critical: false, value: der.sequence() }) }),
  ],
  [
    'extension_duplicate',
    'two basic constraints',
    () => ({ fields: { extensions: [...fields.extensions, basicConstraintsExtension({ ca: false })] } }),
  ],
  ['certificate_is_ca', 'CA:TRUE', () => ({ fields: withExtension(basicConstraintsExtension({ ca: true })) })],
  [
    'subject_key_identifier_mismatch',
    "another key's identifier",
    () => ({ fields: withExtension(subjectKeyIdentifierExtension(otherKey)) }),
  ],
  ['subject_key_identifier_mismatch', 'no identifier', () => ({ fields: without(oid.subjectKeyIdentifier) })],
  [
    'authority_key_identifier_mismatch',
    'one flipped bit',
    () => {
      const own = findExtension(authority.issuer.extensions, oid.subjectKeyIdentifier);
      const identifier = Uint8Array.from(decodeSubjectKeyIdentifier(own?.value ?? new Uint8Array()));
      identifier[0] = (identifier[0] ?? 0) ^ 1;
      return { fields: withExtension(authorityKeyIdentifierExtension(identifier)) };
    },
  ],
  [
    'authority_key_identifier_mismatch',
    'a critical one',
    () => ({ fields: recritical(oid.authorityKeyIdentifier, true) }),
  ],
  ['authority_key_identifier_mismatch', 'none', () => ({ fields: without(oid.authorityKeyIdentifier) })],
  [
    'crl_distribution_points_mismatch',
    'another URL',
    () => ({ fields: withExtension(crlDistributionPointsExtension(['http://evil.example/crl'])) }),
  ],
  ['crl_distribution_points_mismatch', 'none', () => ({ fields: without(oid.crlDistributionPoints) })],
  ['authority_info_access_mismatch', 'none', () => ({ fields: without(oid.authorityInfoAccess) })],
  [
    'authority_info_access_mismatch',
    'one that the profile does not have',
    () => ({ context: { profile: { ...profile, caIssuerUrls: [] } } }),
  ],
  ['key_usage_missing', 'no key usage', () => ({ fields: without(oid.keyUsage) })],
  ['key_usage_not_critical', 'a key usage that is not critical', () => ({ fields: recritical(oid.keyUsage, false) })],
  [
    'key_usage_of_ca',
    'keyCertSign',
    () => ({
      fields: withUsages('digitalSignature', 'keyCertSign'),
      also: ['key_usage_outside_profile', 'contents_usages_mismatch'],
    }),
  ],
  [
    'key_usage_outside_profile',
    'nonRepudiation',
    () => ({ fields: withUsages('digitalSignature', 'nonRepudiation'), also: ['contents_usages_mismatch'] }),
  ],
  [
    'key_usage_unfit_for_key',
    'key agreement with RSA',
    () => ({
      fields: withUsages('keyAgreement'),
      also: ['key_usage_outside_profile', 'contents_usages_mismatch'],
    }),
  ],
  [
    'key_usage_unfit_for_key',
    'key encipherment with an elliptic curve',
    () => ({ fields: ecFields(), also: ['contents_public_key_mismatch'] }),
  ],
  ['extended_key_usage_missing', 'no extended key usage', () => ({ fields: without(oid.extendedKeyUsage) })],
  [
    'extended_key_usage_forbidden',
    'any purpose',
    () => ({
      fields: withExtension(extendedKeyUsageExtension([oid.clientAuth, oid.anyExtendedKeyUsage])),
      also: ['extended_key_usage_outside_profile', 'contents_usages_mismatch'],
    }),
  ],
  [
    'extended_key_usage_forbidden',
    'OCSP signing, even when a profile lists it',
    () => ({
      fields: withExtension(extendedKeyUsageExtension([oid.ocspSigning])),
      context: { profile: { ...profile, extendedKeyUsages: [oid.clientAuth, oid.ocspSigning] } },
      also: ['contents_usages_mismatch'],
    }),
  ],
  [
    'extended_key_usage_outside_profile',
    'smart card logon',
    () => ({
      fields: withExtension(extendedKeyUsageExtension([oid.clientAuth, oid.smartCardLogon])),
      also: ['contents_usages_mismatch'],
    }),
  ],
  ['contents_subject_mismatch', 'another subject', () => ({ fields: { subject: parseName('CN=device-2,O=Example') } })],
  [
    'contents_public_key_mismatch',
    'another key',
    () => ({ fields: { publicKey: otherKey.encoded, ...withExtension(subjectKeyIdentifierExtension(otherKey)) } }),
  ],
  [
    'contents_validity_mismatch',
    'an earlier start than approved',
    () => ({
      fields: { notBefore: plusMs(fields.notBefore, -2000), notAfter: plusMs(fields.notAfter, -2000) },
    }),
  ],
  ['contents_subject_alt_names_mismatch', 'a name less than approved', () => ({ fields: without(oid.subjectAltName) })],
  [
    'contents_usages_mismatch',
    'a usage of the profile that was not approved',
    () => ({ context: { contents: { ...context.contents, keyUsages: ['digitalSignature'] } } }),
  ],
];

function ecFields(): Partial<TbsCertificateFields> {
  const publicKey = newEcKey('P-256');
  return { publicKey: publicKey.encoded, ...withExtension(subjectKeyIdentifierExtension(publicKey)) };
}

describe('lintTbsCertificate', () => {
  it('takes the containers of a directory entry for no second name', () => {
    const subject = parseName('CN=Adele,CN=Users,DC=contoso,DC=com');
    const findings = lintTbsCertificate(encodeTbsCertificate({ ...fields, subject }), context);
    assert.deepEqual(
      findings.map(({ lint }) => lint),
      ['contents_subject_mismatch'],
    );
  });

  it('finds nothing wrong with what is composed', () => {
    assert.deepEqual(lintTbsCertificate(encodeTbsCertificate(fields), context), []);
  });

  for (const [lint, name, build] of cases) {
    it(`${lint}: ${name}`, () => {
      const { fields: changes = {}, context: otherContext = {}, also = [] } = build();
      const findings = lintTbsCertificate(encodeTbsCertificate({ ...fields, ...changes }), {
        ...context,
        ...otherContext,
      });
      assert.deepEqual(findings.map((finding) => finding.lint).sort(), [lint, ...also].sort());
      assert.ok(findings.every(({ message }) => message.endsWith('.')));
    });
  }

  it('version_not_3: version 2', () => {
    const tbs = Uint8Array.from(encodeTbsCertificate(fields));
    const version = tbs.findIndex((byte, index) => byte === 0xa0 && tbs[index + 1] === 3) + 4;
    assert.equal(tbs[version], 2);
    tbs[version] = 1;
    assert.deepEqual(
      lintTbsCertificate(tbs, context).map(({ lint }) => lint),
      ['version_not_3'],
    );
  });

  it('has a case here for every lint', () => {
    const covered = new Set([...cases.map(([lint]) => lint), 'version_not_3']);
    assert.deepEqual(
      lints.map(({ name }) => name).filter((name) => !covered.has(name)),
      [],
    );
  });

  it('undecodable: unique identifiers, trailing bytes, nothing at all', () => {
    const tbs = encodeTbsCertificate(fields);
    const withIdentifier = insertBeforeExtensions(tbs, der.implicitPrimitive(1, Uint8Array.from([0, 1])));
    for (const broken of [withIdentifier, der.concat(tbs, der.null()), new Uint8Array(), tbs.subarray(0, 100)]) {
      assert.deepEqual(
        lintTbsCertificate(broken, context).map(({ lint }) => lint),
        ['undecodable'],
      );
    }
  });

  it('counts an extension that does not decode against the lint that reads it', () => {
    const broken = withExtension({ oid: oid.keyUsage, critical: true, value: Uint8Array.from([0x03, 0x05, 0x00]) });
    const findings = lintTbsCertificate(encodeTbsCertificate({ ...fields, ...broken }), context);
    assert.ok(findings.some(({ lint, message }) => lint === 'key_usage_missing' && /does not decode/.test(message)));
  });
});

function insertBeforeExtensions(tbs: Uint8Array, element: Uint8Array): Uint8Array {
  const headerLength = 4;
  const content = tbs.subarray(headerLength);
  let position = 0;
  const starts: number[] = [];
  while (position < content.length) {
    starts.push(position);
    position += elementLength(content.subarray(position));
  }
  const extensions = starts.at(-1) ?? 0;
  return der.sequence(content.subarray(0, extensions), element, content.subarray(extensions));
}

function elementLength(bytes: Uint8Array): number {
  const first = bytes[1] ?? 0;
  if (first < 0x80) return 2 + first;
  const lengthBytes = bytes.subarray(2, 2 + (first & 0x7f));
  return 2 + lengthBytes.length + lengthBytes.reduce((length, byte) => length * 256 + byte, 0);
}
