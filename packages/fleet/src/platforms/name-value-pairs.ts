// EnrollmentNameValuePair, [MS-WCCE] 2.2.2.7.10
//
//   EnrollmentNameValuePair ::= SEQUENCE {
//     name   BMPString,
//     value  BMPString }
//
// Intune's clients use it to say how long the certificate shall be valid.
import { der, tag } from '@scepter/x509';
import type { RequestAttribute } from '@scepter/x509';
import type { DeviceScepProfile } from '../device-management.ts';
import { microsoft } from './microsoft-identifiers.ts';

const unitNames = { days: 'Days', months: 'Months', years: 'Years' } as const;

/**
 * The profile's validity as enrollment name-value pairs.
 *
 * @param order `swapped` gives each name the other's value, which is what Android's clients send.
 */
export function validityAttribute(
  validity: DeviceScepProfile['validityPeriod'],
  order: 'straight' | 'swapped',
): RequestAttribute {
  const unit = unitNames[validity.scale];
  const count = String(validity.value);
  const [period, units] = order === 'straight' ? [unit, count] : [count, unit];
  return {
    oid: microsoft.enrollmentNameValuePair,
    values: [nameValuePair('ValidityPeriod', period), nameValuePair('ValidityPeriodUnits', units)],
  };
}

function nameValuePair(name: string, value: string): Uint8Array {
  return der.sequence(bmpString(name), bmpString(value));
}

/** BMPString: UTF-16, most significant byte first (X.690 8.23.9). */
export function bmpString(text: string): Uint8Array {
  const content = Buffer.from(text, 'utf16le').swap16();
  // An OCTET STRING has the same length octets; only the tag differs.
  const encoded = Uint8Array.from(der.octetString(content));
  encoded[0] = tag.bmpString;
  return encoded;
}
