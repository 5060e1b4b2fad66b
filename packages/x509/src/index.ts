export type { AlgorithmIdentifier } from './algorithm-identifier.ts';
export { encodeAlgorithmIdentifier, readAlgorithmIdentifier } from './algorithm-identifier.ts';
export { der } from './asn1/der.ts';
export type { Asn1ErrorCode } from './asn1/errors.ts';
export { Asn1Error } from './asn1/errors.ts';
export type { EncodingRules } from './asn1/header.ts';
export type { Asn1Element, Asn1ReaderOptions } from './asn1/reader.ts';
export { Asn1Reader } from './asn1/reader.ts';
export { tag } from './asn1/tags.ts';
export { equalBytes, fromHex, TextEncodingError, toHex } from './bytes.ts';
export type { CertificateList, RevokedCertificate, TbsCertificateListFields } from './certificate-list.ts';
export { assembleCertificateList, decodeCertificateList, encodeTbsCertificateList } from './certificate-list.ts';
export type { Certificate, SelfSignedCertificateOptions, TbsCertificateFields } from './certificate.ts';
export {
  assembleCertificate,
  createSelfSignedCertificate,
  decodeCertificate,
  encodeTbsCertificate,
  isSelfSigned,
  serialNumberHex,
  thumbprint,
  verifyCertificateSignature,
} from './certificate.ts';
export type { CertificationRequest, CertificationRequestOptions, RequestAttribute } from './certification-request.ts';
export {
  createCertificationRequest,
  decodeCertificationRequest,
  verifyCertificationRequest,
} from './certification-request.ts';
export { certificationPath, isValidAt } from './certification-path.ts';
export type { AuthorityInfoAccess } from './extensions/authority-info-access.ts';
export {
  authorityInfoAccessExtension,
  decodeAuthorityInfoAccess,
  encodeAuthorityInfoAccess,
} from './extensions/authority-info-access.ts';
export {
  authorityKeyIdentifierExtension,
  decodeAuthorityKeyIdentifier,
  encodeAuthorityKeyIdentifier,
} from './extensions/authority-key-identifier.ts';
export type { BasicConstraints } from './extensions/basic-constraints.ts';
export {
  basicConstraintsExtension,
  decodeBasicConstraints,
  encodeBasicConstraints,
} from './extensions/basic-constraints.ts';
export {
  crlDistributionPointsExtension,
  decodeCrlDistributionPoints,
  encodeCrlDistributionPoints,
} from './extensions/crl-distribution-points.ts';
export {
  decodeExtendedKeyUsage,
  encodeExtendedKeyUsage,
  extendedKeyUsageExtension,
} from './extensions/extended-key-usage.ts';
export type { Extension } from './extensions/extension.ts';
export { encodeExtensions, findExtension, readExtensions } from './extensions/extension.ts';
export type { KeyUsage } from './extensions/key-usage.ts';
export { decodeKeyUsage, encodeKeyUsage, keyUsageExtension } from './extensions/key-usage.ts';
export type { RevocationReason } from './extensions/reason-code.ts';
export { subjectAltNameExtension } from './extensions/subject-alternative-name.ts';
export {
  decodeSubjectKeyIdentifier,
  encodeSubjectKeyIdentifier,
  subjectKeyIdentifierExtension,
} from './extensions/subject-key-identifier.ts';
export type { GeneralName } from './general-name.ts';
export { decodeGeneralNames, encodeGeneralNames, formatGeneralName } from './general-name.ts';
export { formatName, parseName } from './name-text.ts';
export type { Name, NameAttribute } from './name.ts';
export { buildName, decodeName, NameError, namesEqual, readName } from './name.ts';
export { oid } from './object-identifiers.ts';
export type { PemBlock } from './pem.ts';
export { decodePem, encodePem } from './pem.ts';
export type { EcCurve, PublicKeyDetails, PublicKeyInfo } from './public-key-info.ts';
export { decodePublicKeyInfo, keyIdentifier, readPublicKeyInfo } from './public-key-info.ts';
export type { DigestName, SignatureScheme } from './signature-algorithms.ts';
export { resolveDigestAlgorithm, resolveSignatureAlgorithm } from './signature-algorithms.ts';
export {
  digest,
  publicKeyInfoOf,
  signatureAlgorithmFor,
  signData,
  verifySignature,
  verifyWithScheme,
} from './signature.ts';
