import type { KeyObject } from 'node:crypto';
import {
  createCertificationRequest,
  extendedKeyUsageExtension,
  keyUsageExtension,
  subjectAltNameExtension,
} from '@scepter/x509';
import type { Extension, RequestAttribute } from '@scepter/x509';
import type { RequestedContents } from './requested-contents.ts';

/** What goes into a device's certification request. */
export interface DeviceRequest {
  readonly contents: RequestedContents;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
  readonly challenge: string;
  readonly extensions: readonly Extension[];
  readonly attributes: readonly RequestAttribute[];
}

/** Makes the PKCS#10 request, DER, that a device sends for one SCEP profile. */
export function createDeviceRequest(request: DeviceRequest): Uint8Array {
  return createCertificationRequest({
    subject: request.contents.subject,
    privateKey: request.privateKey,
    publicKey: request.publicKey,
    extensions: request.extensions,
    challengePassword: request.challenge,
    attributes: request.attributes,
    digest: 'sha256',
  });
}

/** The extensions that a SCEP profile asks for. */
export function requestedExtensions(contents: RequestedContents): Extension[] {
  const extensions: Extension[] = [];
  if (contents.keyUsages.length > 0) extensions.push(keyUsageExtension([...contents.keyUsages]));
  if (contents.extendedKeyUsages.length > 0)
    extensions.push(extendedKeyUsageExtension([...contents.extendedKeyUsages]));
  if (contents.subjectAltNames.length > 0) extensions.push(subjectAltNameExtension([...contents.subjectAltNames]));
  return extensions;
}
