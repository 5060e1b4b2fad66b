/**
 * S8: certificates are made from the profile. Whatever extension a request asks for, the certificate has the extensions of
 * one that asked for none, or there is none. That each certificate is linted before it is signed: `ca/test/lint`.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  basicConstraintsExtension,
  der,
  extendedKeyUsageExtension,
  keyUsageExtension,
  oid,
  subjectAltNameExtension,
  toHex,
} from '@scepter/x509';
import type { Certificate, Extension, GeneralName } from '@scepter/x509';
import type { RequestOptions } from '../device.ts';
import { openLaboratory } from '../laboratory.ts';
import type { Laboratory } from '../laboratory.ts';
import { AttackLaboratory, assertRefused, newPerson } from './attack-laboratory.ts';
import type { Outcome } from './attack-laboratory.ts';

const device = newPerson();
let laboratory: Laboratory;
let attack: AttackLaboratory;
let plain: string[];

before(async () => {
  laboratory = await openLaboratory();
  attack = await AttackLaboratory.at(laboratory, 'static');
  plain = extensionsOf(certificateOf(await request({})));
});
after(() => laboratory.close());

function request(options: RequestOptions): Promise<Outcome> {
  return attack.send({ content: attack.sealed(device, options), signer: device });
}

function certificateOf({ reply, refusal }: Outcome): Certificate {
  assert.ok(reply?.status === 'success', refusal);
  const [certificate] = reply.certificates;
  assert.ok(certificate !== undefined);
  return certificate;
}

function extensionsOf({ extensions }: Certificate): string[] {
  return extensions.map((extension) => `${extension.oid} ${extension.critical} ${toHex(extension.value)}`);
}

function extension(id: string, value: Uint8Array = der.null(), critical = false): Extension {
  return { oid: id, critical, value };
}

const uri = (text: string): Uint8Array => der.implicitPrimitive(6, Buffer.from(text));
const sidExtension = extension(
  oid.sidExtension,
  der.sequence(
    der.implicitConstructed(
      0,
      der.oid('1.3.6.1.4.1.311.25.2.1'),
      der.explicit(0, der.octetString(Buffer.from('S-1-5-21-1-2-3-500'))),
    ),
  ),
);

describe('S8: what a request asks for beyond its profile is left out', () => {
  const rows: readonly [name: string, extensions: readonly Extension[]][] = [
    ['CA:TRUE', [basicConstraintsExtension({ ca: true })]],
    [
      'CA:TRUE with a path length',
      [extension(oid.basicConstraints, der.sequence(der.boolean(true), der.integer(5)), true)],
    ],
    [
      'the right to sign certificates and CRLs',
      [keyUsageExtension(['digitalSignature', 'keyEncipherment', 'keyCertSign', 'cRLSign'])],
    ],
    ['any purpose, beside its own', [extendedKeyUsageExtension([oid.clientAuth, oid.anyExtendedKeyUsage])]],
    ['OCSP signing, beside its own', [extendedKeyUsageExtension([oid.clientAuth, oid.ocspSigning])]],
    ['smart card logon, beside its own', [extendedKeyUsageExtension([oid.clientAuth, oid.smartCardLogon])]],
    [
      'to be an enrollment agent, beside its own',
      [extendedKeyUsageExtension([oid.clientAuth, oid.certificateRequestAgent])],
    ],
    [
      'time stamping and code signing, beside its own',
      [extendedKeyUsageExtension([oid.clientAuth, oid.timeStamping, oid.codeSigning])],
    ],
    ["an administrator's SID", [sidExtension]],
    ['not to be looked up (id-pkix-ocsp-nocheck)', [extension('1.3.6.1.5.5.7.48.1.5')]],
    ['policies', [extension(oid.certificatePolicies, der.sequence(der.sequence(der.oid('2.5.29.32.0'))))]],
    ['policy mappings', [extension('2.5.29.33', der.sequence(der.sequence(der.oid('1.2.3'), der.oid('1.2.4'))))]],
    ['name constraints', [extension(oid.nameConstraints, der.sequence(), true)]],
    [
      'CRLs of its own',
      [
        extension(
          oid.crlDistributionPoints,
          der.sequence(der.sequence(der.explicit(0, der.explicit(0, uri('http://evil.example/crl'))))),
        ),
      ],
    ],
    [
      'an OCSP responder of its own',
      [
        extension(
          oid.authorityInfoAccess,
          der.sequence(der.sequence(der.oid(oid.accessOcsp), uri('http://evil.example/ocsp'))),
        ),
      ],
    ],
    [
      "another authority's key identifier",
      [extension(oid.authorityKeyIdentifier, der.sequence(der.implicitPrimitive(0, new Uint8Array(20))))],
    ],
    ['a key identifier of its own', [extension(oid.subjectKeyIdentifier, der.octetString(new Uint8Array(20)))]],
    ["Microsoft's template name", [extension('1.3.6.1.4.1.311.20.2', der.utf8String('SubCA'))]],
    ["Microsoft's template", [extension('1.3.6.1.4.1.311.21.7', der.sequence(der.oid('1.3.6.1.4.1.311.21.8.1')))]],
    [
      "Microsoft's application policies",
      [extension('1.3.6.1.4.1.311.21.10', der.sequence(der.sequence(der.oid(oid.anyExtendedKeyUsage))))],
    ],
    ['a poison for precertificates', [extension('1.3.6.1.4.1.11129.2.4.3', der.null(), true)]],
    ['something critical that nobody knows', [extension('1.2.3.4.5', der.null(), true)]],
    ['nonsense under a known name', [extension(oid.certificatePolicies, Uint8Array.of(0xff, 0xff))]],
  ];
  for (const [name, extensions] of rows) {
    it(name, async () => {
      const certificate = certificateOf(await request({ extensions }));
      assert.deepEqual(extensionsOf(certificate), plain);
    });
  }

  it("names in Microsoft's name-value pairs are no names", async () => {
    const pair = der.sequence(bmpString('SAN'), bmpString('upn=administrator@contoso.example'));
    const attributes = [{ oid: '1.3.6.1.4.1.311.13.2.1', values: [pair] }];
    assert.deepEqual(extensionsOf(certificateOf(await request({ attributes }))), plain);
  });
});

function bmpString(text: string): Uint8Array {
  const content = Buffer.from(text, 'utf16le').swap16();
  return Buffer.concat([Uint8Array.of(0x1e, content.length), content]);
}

describe('S8: and where nothing would remain, or nobody can say what it means, there is no certificate', () => {
  const san = (...names: GeneralName[]) => [subjectAltNameExtension(names)];
  const rows: readonly [name: string, extensions: readonly Extension[], refusal: string][] = [
    ['any purpose alone', [extendedKeyUsageExtension([oid.anyExtendedKeyUsage])], 'policy.extended_key_usage'],
    ['OCSP signing alone', [extendedKeyUsageExtension([oid.ocspSigning])], 'policy.extended_key_usage'],
    ['no purpose', [extension(oid.extendedKeyUsage, der.sequence())], 'policy.extended_key_usage'],
    ['purposes that cannot be read', [extension(oid.extendedKeyUsage, der.null())], 'policy.extended_key_usage'],
    ['to sign certificates alone', [keyUsageExtension(['keyCertSign'])], 'policy.key_usage'],
    ['no usage', [extension(oid.keyUsage, Uint8Array.of(3, 1, 0))], 'policy.key_usage'],
    ['usages that cannot be read', [extension(oid.keyUsage, der.null())], 'policy.key_usage'],
    [
      'a directory name',
      san({ kind: 'directory', name: newPerson().certificate.subject }),
      'policy.subject_alternative_name',
    ],
    ['a registered id', san({ kind: 'registeredId', value: '1.2.3' }), 'policy.subject_alternative_name'],
    [
      'another name of a kind of its own',
      san({ kind: 'otherName', typeId: '1.3.6.1.5.2.2', encodedValue: der.sequence() }),
      'policy.subject_alternative_name',
    ],
    ['alternative names that cannot be read', [extension(oid.subjectAltName, der.null())], 'message.sealed_content'],
    [
      'alternative names twice',
      [...san({ kind: 'dns', value: 'a.example' }), ...san({ kind: 'dns', value: 'b.example' })],
      'message.sealed_content',
    ],
  ];
  for (const [name, extensions, refusal] of rows) {
    it(name, async () => {
      const before = await attack.stored();
      const outcome = await request({ extensions });
      assertRefused(outcome, 'badRequest');
      assert.equal(outcome.refusal, refusal);
      assert.deepEqual(await attack.stored(), before);
    });
  }

  for (const subject of ['CN=device,CN=administrator', 'CN=administrator,CN=device', 'CN=administrator+CN=device']) {
    it(`two common names, of which some look at the first and some at the last: ${subject}`, async () => {
      const outcome = await request({ subject });
      assertRefused(outcome, 'badRequest');
      assert.equal(outcome.refusal, 'issue.failed');
      assert.ok(
        (await attack.stored()).every(
          (enrollment) => enrollment.subject === 'CN=device' || enrollment.state === 'intended',
        ),
      );
    });
  }
});
