export { ScepError } from './errors.ts';
export type { ScepErrorCode } from './errors.ts';
export { capabilitiesFor, floorAllows, floorForSignatureAlone } from './algorithms.ts';
export type { AlgorithmFloor, ContentCipher, KeyTransport } from './algorithms.ts';
export type { FailInfo, MessageType } from './attributes.ts';
export { decodePkiMessage, verifyPkiMessage } from './message.ts';
export type { PkiMessage } from './message.ts';
export { decodeEnvelope, isAddressedTo, openEnvelope, openEnvelopeWithPassword } from './cms/enveloped-data.ts';
export type { Envelope, OpenedEnvelope, Recipient } from './cms/enveloped-data.ts';
export { canEnvelopeUnder } from './cms/password-recipient-info.ts';
export { canEnvelopeFor } from './cms/recipient-info.ts';
export type { EnvelopeRecipient } from './cms/recipient-info.ts';
export { decodeCertsOnly, encodeCertsOnly } from './cms/certs-only.ts';
export type { CertsOnly } from './cms/certs-only.ts';
export { createCertRep, readCertRep } from './cert-rep.ts';
export type { CertRep, CertRepOptions, CertRepOutcome, ReadCertRepOptions } from './cert-rep.ts';
export { createNextCaCertificates, nextCaCertificatesType, readNextCaCertificates } from './next-ca-certificates.ts';
export { createPkiRequest, transactionIdOf } from './request.ts';
export type { PkiRequestOptions, RequestMessageType } from './request.ts';
export { decodeIssuerAndSerialNumber, encodeIssuerAndSerialNumber } from './queries/issuer-and-serial-number.ts';
export type { CertificateQuery, IssuerAndSerialNumber } from './queries/issuer-and-serial-number.ts';
export { decodeIssuerAndSubject, encodeIssuerAndSubject } from './queries/issuer-and-subject.ts';
export type { IssuerAndSubject } from './queries/issuer-and-subject.ts';
export type { CaCertificates, NextCaCertificates } from './ca-certificates.ts';
export { ScepClient } from './client/client.ts';
export type {
  CertificateResult,
  CrlResult,
  DeviceIdentity,
  EnrollOptions,
  EnrollResult,
  PollOptions,
  QueryOptions,
  RenewOptions,
  ScepClientOptions,
} from './client/options.ts';
