import type { KeyObject } from 'node:crypto';
import type { KeyTransport } from '@scepter/scep';
import type { Extension, Name, RequestAttribute } from '@scepter/x509';
import type { DeviceScepProfile } from '../device-management.ts';

/** The platforms Intune delivers SCEP profiles to. */
export type Platform = 'windows' | 'ios' | 'macos' | 'android' | 'androidEnterprise';

/** What a platform needs to make the self-signed certificate that signs its request. */
export interface SignerRequest {
  readonly subject: Name;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
  readonly serialNumber: Uint8Array;
  readonly now: Date;
}

/** What a platform may put into further attributes of the request. */
export interface RequestContext {
  readonly profile: DeviceScepProfile;
  readonly deviceName: string;
  /** Those of the extension request. */
  readonly extensions: readonly Extension[];
}

/** The function that sends HTTP requests; the platform's `fetch` is one. */
export type Fetch = typeof globalThis.fetch;

/**
 * How one platform's SCEP client differs from the others on the wire.
 *
 * Everything here is observable by the server; what all platforms share is in `simulate-device.ts`.
 */
export interface PlatformHabits {
  readonly userAgent: string;
  /** The `message` of GetCACaps and GetCACert. */
  readonly caIdentifier: string;
  /** What the client appends to the profile's URL unless it is there already. */
  readonly pathSuffix: string;
  /** Content type of a POST. */
  readonly contentType: string;
  /** Length form of the CMS layers: `ber` uses indefinite lengths and chunked octet strings. */
  readonly framing: 'der' | 'ber';
  readonly keyTransport: KeyTransport;
  /** Whether the client goes on to the next URL of the profile when one does not answer. */
  readonly triesEveryUrl: boolean;
  /** The error of a client that refuses a reply with more than the issued certificate; absent: it does not mind. */
  readonly extraCertificatesError: number | undefined;
  /** The self-signed certificate, DER, whose key signs the request. */
  signerCertificate(request: SignerRequest): Uint8Array;
  /** Attributes this platform adds to the certification request. */
  requestAttributes(context: RequestContext): RequestAttribute[];
  /** Rewrites the URL of a GET PKIOperation as the platform escapes it. */
  escapeQuery(url: string): string;
}
