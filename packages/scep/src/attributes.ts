import { Asn1Reader, der, toHex } from '@scepter/x509';
import type { Asn1Element } from '@scepter/x509';
import { attributeValue, attributeValues, encodeAttribute, optionalAttributeValue } from './cms/attribute.ts';
import type { Attribute } from './cms/attribute.ts';
import { ScepError } from './errors.ts';
import { scepOid } from './object-identifiers.ts';

// RFC 8894 section 3.2.1, tables 1 to 5. Numbers travel as decimal text in a PrintableString.

/** What a message asks for or answers (RFC 8894 section 3.2.1.2). */
export type MessageType = 'CertRep' | 'RenewalReq' | 'PKCSReq' | 'CertPoll' | 'GetCert' | 'GetCRL';
/** Why a request is refused (RFC 8894 section 3.2.1.4). */
export type FailInfo = 'badAlg' | 'badMessageCheck' | 'badRequest' | 'badTime' | 'badCertId';
export type PkiStatus = 'success' | 'failure' | 'pending';

const messageTypeNumbers: Readonly<Record<MessageType, string>> = {
  CertRep: '3',
  RenewalReq: '17',
  PKCSReq: '19',
  CertPoll: '20',
  GetCert: '21',
  GetCRL: '22',
};
const pkiStatusNumbers: Readonly<Record<PkiStatus, string>> = { success: '0', failure: '2', pending: '3' };
const failInfoNumbers: Readonly<Record<FailInfo, string>> = {
  badAlg: '0',
  badMessageCheck: '1',
  badRequest: '2',
  badTime: '3',
  badCertId: '4',
};

/** By exact text: "019" and "19 " are not 19, so that no two readers of a message can disagree about its type. */
const nameOf = <Name extends string>(numbers: Readonly<Record<Name, string>>, text: string): Name | undefined =>
  (Object.keys(numbers) as Name[]).find((name) => numbers[name] === text);

const maximumTransactionIdLength = 256;
// 16 bytes by RFC 8894 section 3.2.1.5; clients with 8 and with 32 exist.
const maximumNonceBytes = 64;
const maximumShownLength = 64;
// RFC 8894 sets no bound; an explanation for a person needs no more.
const maximumFailInfoTextLength = 1024;

const shownValue = (value: Asn1Element): string => {
  try {
    const reader = Asn1Reader.of(value.encoded, { rules: 'ber' });
    return reader.string().slice(0, maximumShownLength);
  } catch {
    return `#${toHex(value.encoded.subarray(0, maximumShownLength / 2))}`;
  }
};

/** Every value as sent, for the record; what is no string is shown as `#` and lower-case hex. */
export const readMessageTypes = (attributes: readonly Attribute[]): string[] =>
  attributeValues(attributes, scepOid.messageType).map(shownValue);

/** The type, when the message has exactly one and it is known. */
export const messageTypeOf = (messageTypes: readonly string[]): MessageType | undefined => {
  const [only, ...more] = messageTypes;
  return only === undefined || more.length > 0 ? undefined : nameOf(messageTypeNumbers, only);
};

export const readTransactionId = (attributes: readonly Attribute[]): string => {
  const transactionId = attributeValue(attributes, scepOid.transactionId).string();
  if (transactionId.length === 0 || transactionId.length > maximumTransactionIdLength) {
    throw new ScepError('scep.undecodable', 'the transactionID is empty or too long');
  }
  return transactionId;
};

const readNonce = (attributes: readonly Attribute[], type: string): Uint8Array | undefined => {
  const nonce = optionalAttributeValue(attributes, type)?.octetString();
  if (nonce !== undefined && nonce.length > maximumNonceBytes) {
    throw new ScepError('scep.undecodable', 'a nonce is too long');
  }
  return nonce;
};

export const readSenderNonce = (attributes: readonly Attribute[]): Uint8Array | undefined =>
  readNonce(attributes, scepOid.senderNonce);

export const readRecipientNonce = (attributes: readonly Attribute[]): Uint8Array | undefined =>
  readNonce(attributes, scepOid.recipientNonce);

export const readPkiStatus = (attributes: readonly Attribute[]): PkiStatus | undefined =>
  nameOf(pkiStatusNumbers, attributeValue(attributes, scepOid.pkiStatus).string());

export const readFailInfo = (attributes: readonly Attribute[]): FailInfo | undefined =>
  nameOf(failInfoNumbers, attributeValue(attributes, scepOid.failInfo).string());

export const readFailInfoText = (attributes: readonly Attribute[]): string | undefined =>
  optionalAttributeValue(attributes, scepOid.failInfoText)?.string().slice(0, maximumFailInfoTextLength);

const printable = /^[A-Za-z0-9 '()+,\-./:=?]*$/;

/** A PrintableString as the RFC says; an id that does not fit into one goes back as the UTF8String it will have been. */
const encodeTransactionId = (transactionId: string): Uint8Array =>
  printable.test(transactionId) ? der.printableString(transactionId) : der.utf8String(transactionId);

/** The attributes of every message: transactionID, messageType and senderNonce. */
export const encodeMessageAttributes = (message: {
  messageType: MessageType;
  transactionId: string;
  senderNonce: Uint8Array;
}): Uint8Array[] => [
  encodeAttribute(scepOid.transactionId, encodeTransactionId(message.transactionId)),
  encodeAttribute(scepOid.messageType, der.printableString(messageTypeNumbers[message.messageType])),
  encodeAttribute(scepOid.senderNonce, der.octetString(message.senderNonce)),
];

/** The attributes that a CertRep has besides. */
export const encodeReplyAttributes = (reply: {
  pkiStatus: PkiStatus;
  recipientNonce: Uint8Array | undefined;
  failInfo?: FailInfo;
  failInfoText?: string;
}): Uint8Array[] => {
  const attributes = [encodeAttribute(scepOid.pkiStatus, der.printableString(pkiStatusNumbers[reply.pkiStatus]))];
  if (reply.recipientNonce !== undefined) {
    attributes.push(encodeAttribute(scepOid.recipientNonce, der.octetString(reply.recipientNonce)));
  }
  if (reply.failInfo !== undefined) {
    attributes.push(encodeAttribute(scepOid.failInfo, der.printableString(failInfoNumbers[reply.failInfo])));
  }
  if (reply.failInfoText !== undefined) {
    attributes.push(encodeAttribute(scepOid.failInfoText, der.utf8String(reply.failInfoText)));
  }
  return attributes;
};
