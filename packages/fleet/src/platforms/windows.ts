import {
  authorityKeyIdentifierExtension,
  createSelfSignedCertificate,
  decodePublicKeyInfo,
  der,
  encodeExtensions,
  keyIdentifier,
  oid,
  parseName,
} from '@scepter/x509';
import type { RequestAttribute } from '@scepter/x509';
import type { PlatformHabits, RequestContext, SignerRequest } from './habits.ts';
import { microsoft } from './microsoft-identifiers.ts';
import { bmpString, validityAttribute } from './name-value-pairs.ts';

const systemVersion = '10.0.26100.1';
const signerValidityDays = 7;

/** Windows 10 and 11 (the SCEP client of the ClientCertificateInstall configuration service provider). */
export const windows: PlatformHabits = {
  userAgent: `Mozilla/4.0 (compatible; Win32; NDES client ${systemVersion}/ge_release)`,
  caIdentifier: 'default',
  pathSuffix: '/pkiclient.exe',
  contentType: 'application/x-pki-message',
  framing: 'der',
  keyTransport: { kind: 'oaep', digest: 'sha1' },
  triesEveryUrl: true,
  extraCertificatesError: undefined,
  signerCertificate,
  requestAttributes,
  escapeQuery: (url) => url,
};

/**
 * Not named after the request's subject, signed with SHA-1, and its authority key identifier is marked critical,
 * against RFC 5280 4.2.1.1. Servers whose X.509 parser insists on that rule refuse every Windows device.
 */
function signerCertificate(request: SignerRequest): Uint8Array {
  const keyId = keyIdentifier(decodePublicKeyInfo(request.publicKey.export({ type: 'spki', format: 'der' })));
  return createSelfSignedCertificate({
    subject: parseName('CN=SCEP Protocol Certificate'),
    privateKey: request.privateKey,
    publicKey: request.publicKey,
    serialNumber: request.serialNumber,
    notBefore: new Date(request.now.getTime() - 3_600_000),
    notAfter: new Date(request.now.getTime() + signerValidityDays * 86_400_000),
    extensions: [{ ...authorityKeyIdentifierExtension(keyId), critical: true }],
    digest: 'sha1',
  });
}

/**
 * The attributes of [MS-WCCE] 2.2.2.7. A server must read past them; the extensions stand there a second time, under
 * the older Microsoft name.
 */
function requestAttributes({ profile, deviceName, extensions }: RequestContext): RequestAttribute[] {
  return [
    { oid: microsoft.operatingSystemVersion, values: [der.ia5String(systemVersion)] },
    { oid: microsoft.enrollmentProvider, values: [providerValue()] },
    { oid: microsoft.requestClientInfo, values: [clientInfoValue(deviceName)] },
    { oid: oid.microsoftCertExtensions, values: [encodeExtensions([...extensions])] },
    validityAttribute(profile.validityPeriod, 'straight'),
  ];
}

// CSPProvider ::= SEQUENCE { keySpec INTEGER, cspName BMPString, signature BIT STRING }
function providerValue(): Uint8Array {
  return der.sequence(
    der.integer(1),
    bmpString('Microsoft Software Key Storage Provider'),
    der.bitString(new Uint8Array(0)),
  );
}

// RequestClientInfo ::= SEQUENCE { clientId INTEGER, machineName, userName, processName UTF8String }
function clientInfoValue(deviceName: string): Uint8Array {
  return der.sequence(
    der.integer(9),
    der.utf8String(deviceName),
    der.utf8String('NT AUTHORITY\\SYSTEM'),
    der.utf8String('omadmclient.exe'),
  );
}
