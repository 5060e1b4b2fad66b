/** Certificates, requests, lists, names, extensions and keys, from bytes to values and back. */
import {
  Asn1Error,
  assembleCertificate,
  decodeCertificate,
  decodeCertificateList,
  decodeCertificationRequest,
  decodeName,
  decodePublicKeyInfo,
  der,
  encodeTbsCertificate,
  equalBytes,
  formatGeneralName,
  formatName,
  isSelfSigned,
  keyIdentifier,
  NameError,
  namesEqual,
  parseName,
  verifyCertificationRequest,
  verifyWithScheme,
} from '@scepter/x509';
import type { Certificate, EncodingRules, Name, PublicKeyInfo } from '@scepter/x509';
import { X509Certificate } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { attempt, bucket, promise } from '../outcome.ts';
import type { Outcome } from '../outcome.ts';
import { extensionDecoders } from './extensions.ts';
import type { OpenTarget, Target } from './target.ts';

/** What could forge a line of a log or a screen. */
const unsafe = /[\p{Cc}\p{Cf}\u2028\u2029]/u;

/** The text of a name is safe to print, and means the same name. */
export function checkName(name: Name): string {
  const text = formatName(name);
  promise(!unsafe.test(text), 'the text of a name has characters that hide or turn text');
  const again = attempt(() => parseName(text), NameError);
  if (!again.accepted) return again.signature;
  promise(namesEqual(name, again.value), 'the text of a name means another name');
  const texts = (of: Name): string[] =>
    of.rdns.map((rdn) =>
      rdn
        .map(({ type, value }) => `${type}=${value}`)
        .sort()
        .join('+'),
    );
  promise(isDeepStrictEqual(texts(name), texts(again.value)), 'the text of a name means another name of equal fold');
  return `${name.rdns.length} ${bucket(text.length)}`;
}

function checkExtensions(extensions: Certificate['extensions']): string {
  return extensions
    .map(
      ({ oid, critical, value }) => `${oid}${critical ? '!' : ''} ${extensionDecoders[oid]?.(value).signature ?? ''}`,
    )
    .join(' ');
}

/** Without the methods of keys, which are never the same. */
function plain({ publicKey, ...certificate }: Certificate): unknown {
  return { ...certificate, encoded: undefined, tbs: undefined, publicKey: publicKey.encoded };
}

function checkCertificate(certificate: Certificate, input: Uint8Array, rules: EncodingRules): string {
  promise(equalBytes(certificate.encoded, input), 'a certificate is not all of its input');
  isSelfSigned(certificate);
  const isNegative = (certificate.serialNumber[0] ?? 0) >= 0x80;
  const isPadded =
    certificate.serialNumber.length > 1 &&
    certificate.serialNumber[0] === 0 &&
    (certificate.serialNumber[1] ?? 0) < 0x80;
  if (!isNegative && !isPadded) {
    const encoded = assembleCertificate(
      encodeTbsCertificate({ ...certificate, publicKey: certificate.publicKey.encoded }),
      certificate.signatureAlgorithm,
      certificate.signature,
    );
    promise(
      isDeepStrictEqual(plain(decodeCertificate(encoded, { rules })), plain(certificate)),
      'a certificate encoded again is another one',
    );
  }
  if (rules === 'der') compareWithOpenssl(certificate);
  return `${checkName(certificate.issuer)} ${checkName(certificate.subject)} ${certificate.publicKey.key.kind} ${checkExtensions(certificate.extensions)}`;
}

/** Whatever both readers take, both must understand alike: a CA that sees another name than the verifier is no CA. */
function compareWithOpenssl(certificate: Certificate): void {
  let theirs: X509Certificate;
  try {
    theirs = new X509Certificate(certificate.encoded);
  } catch {
    return;
  }
  const serial = theirs.serialNumber.replace(/^-/, '').replace(/^0+(?=.)/, '');
  if ((certificate.serialNumber[0] ?? 0) < 0x80) {
    promise(serial === certificate.serialHex.replace(/^0+(?=.)/, ''), 'OpenSSL reads another serial number');
  }
  promise(equalBytes(new Uint8Array(theirs.raw), certificate.encoded), 'OpenSSL reads another certificate');
}

const certificateTarget = (rules: EncodingRules): OpenTarget => ({
  execute(input): Outcome {
    const read = attempt(() => decodeCertificate(input, { rules }), Asn1Error);
    if (!read.accepted) return read;
    return { accepted: true, signature: checkCertificate(read.value, input, rules) };
  },
});

const requestTarget = (): OpenTarget => ({
  execute(input): Outcome {
    const read = attempt(() => decodeCertificationRequest(input), Asn1Error);
    if (!read.accepted) return read;
    const request = read.value;
    promise(equalBytes(request.encoded, input), 'a request is not all of its input');
    verifyCertificationRequest(request);
    for (const name of request.subjectAltNames)
      promise(!unsafe.test(formatGeneralName(name)), 'a general name is not safe to print');
    const attributes = request.attributes.map(({ oid, values }) => der.sequence(der.oid(oid), der.set(...values)));
    const info = der.sequence(
      der.integer(0),
      request.subject.encoded,
      request.publicKey.encoded,
      ...(attributes.length > 0 ? [der.implicitConstructed(0, ...attributes)] : []),
    );
    const again = decodeCertificationRequest(
      der.sequence(info, request.signatureAlgorithm.encoded, der.bitString(request.signature)),
    );
    for (const part of [
      'subjectAltNames',
      'extensions',
      'extensionsWrapped',
      'challengePassword',
      'attributes',
      'subject',
      'signature',
    ] as const) {
      promise(isDeepStrictEqual(again[part], request[part]), `a request encoded again has another ${part}`);
    }
    const shape = request.attributes.map(({ oid }) => oid).join(' ');
    const names = request.subjectAltNames.map(({ kind }) => kind).join(' ');
    return {
      accepted: true,
      signature: `${checkName(request.subject)} ${request.publicKey.key.kind} ${shape} ${names} ${request.challengePassword === undefined ? '' : bucket(request.challengePassword.length)} ${checkExtensions(request.extensions)}`,
    };
  },
});

const listTarget = (): OpenTarget => ({
  execute(input): Outcome {
    const read = attempt(() => decodeCertificateList(input), Asn1Error);
    if (!read.accepted) return read;
    const list = read.value;
    promise(equalBytes(list.encoded, input), 'a list is not all of its input');
    const reasons = [...new Set(list.revoked.map(({ reason }) => reason))].join(' ');
    promise(
      list.revoked.every(({ revokedAt }) => Number.isFinite(revokedAt.getTime())),
      'a time that is none',
    );
    return {
      accepted: true,
      signature: `${checkName(list.issuer)} ${bucket(list.revoked.length)} ${reasons} ${list.nextUpdate === undefined} ${checkExtensions(list.extensions)}`,
    };
  },
});

const nameTarget = (): OpenTarget => ({
  execute(input): Outcome {
    const read = attempt(() => decodeName(input), Asn1Error);
    if (!read.accepted) return read;
    promise(equalBytes(read.value.encoded, input), 'a name is not all of its input');
    promise(namesEqual(read.value, read.value), 'a name is not equal to itself');
    const types = read.value.rdns
      .map((rdn) => rdn.map(({ type, encodedValue }) => `${type}:${encodedValue[0]}`).join('+'))
      .join(',');
    return { accepted: true, signature: `${types} ${checkName(read.value)}` };
  },
});

const someData = new Uint8Array(32);

function checkKey(key: PublicKeyInfo): string {
  promise(keyIdentifier(key).length === 20, 'a key identifier of another length than 20');
  const object = attempt(() => key.keyObject(), Asn1Error);
  const details = object.accepted ? object.value.asymmetricKeyDetails : undefined;
  if (key.key.kind === 'rsa') {
    if (details?.modulusLength !== undefined) {
      promise(details.modulusLength === key.key.modulusBits, 'OpenSSL counts other modulus bits');
      promise(details.publicExponent === key.key.exponent, 'OpenSSL reads another exponent');
    }
    const signature = new Uint8Array(key.key.modulus.length).fill(1);
    promise(
      !verifyWithScheme({ family: 'rsa', digest: 'sha256' }, key, someData, signature),
      'a signature from nowhere is right',
    );
    return `rsa ${bucket(key.key.modulusBits)} ${object.accepted}`;
  }
  if (key.key.kind === 'ec' && details !== undefined) {
    const names: Readonly<Record<string, string>> = {
      'P-256': 'prime256v1',
      'P-384': 'secp384r1',
      'P-521': 'secp521r1',
    };
    promise(details.namedCurve === names[key.key.curve], 'OpenSSL reads another curve');
  }
  return `${key.key.kind} ${object.accepted}`;
}

const keyTarget = (): OpenTarget => ({
  execute(input): Outcome {
    const read = attempt(() => decodePublicKeyInfo(input), Asn1Error);
    if (!read.accepted) return read;
    promise(equalBytes(read.value.encoded, input), 'a key is not all of its input');
    return { accepted: true, signature: `${read.value.algorithm} ${checkKey(read.value)}` };
  },
});

export const x509Targets: readonly Target[] = [
  {
    name: 'certificate',
    description: 'certificates in DER, also against OpenSSL',
    inputKind: 'asn1',
    open: () => certificateTarget('der'),
  },
  {
    name: 'certificate-ber',
    description: 'certificates in BER, as embedded in messages',
    inputKind: 'asn1',
    corpora: ['certificate', 'certificate-ber'],
    open: () => certificateTarget('ber'),
  },
  { name: 'certification-request', description: 'PKCS #10 requests', inputKind: 'asn1', open: requestTarget },
  { name: 'certificate-list', description: 'CRLs', inputKind: 'asn1', open: listTarget },
  { name: 'name', description: 'distinguished names in DER, and their text', inputKind: 'asn1', open: nameTarget },
  { name: 'public-key', description: 'SubjectPublicKeyInfo, also against OpenSSL', inputKind: 'asn1', open: keyTarget },
];
