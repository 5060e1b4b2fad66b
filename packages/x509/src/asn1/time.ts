import { Asn1Error } from './errors.ts';
import { tag } from './tags.ts';

// UTCTime and GeneralizedTime in the one form that RFC 5280, 4.1.2.5, allows: seconds, no fraction, Z.

/** Content octets of a UTCTime or GeneralizedTime to a moment. */
export function decodeTime(timeTag: number, content: Uint8Array): Date {
  const yearDigits = timeTag === tag.utcTime ? 2 : 4;
  if (content.length !== yearDigits + 11 || content[content.length - 1] !== 0x5a) {
    throw new Asn1Error('bad_value', 'a time that is not written with seconds, without fraction and with Z');
  }
  const year = digits(content, 0, yearDigits);
  const month = digits(content, yearDigits, 2);
  const day = digits(content, yearDigits + 2, 2);
  const hour = digits(content, yearDigits + 4, 2);
  const minute = digits(content, yearDigits + 6, 2);
  const second = digits(content, yearDigits + 8, 2);
  if (hour > 23 || minute > 59 || second > 59) throw new Asn1Error('bad_value', 'a time of day that does not exist');
  const date = new Date(0);
  date.setUTCFullYear(yearDigits === 2 ? fullYear(year) : year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) {
    throw new Asn1Error('bad_value', 'a day that does not exist');
  }
  date.setUTCHours(hour, minute, second);
  return date;
}

/** RFC 5280, 4.1.2.5.1: two digits from 50 on are 19xx. */
function fullYear(twoDigits: number): number {
  return twoDigits >= 50 ? 1900 + twoDigits : 2000 + twoDigits;
}

function digits(content: Uint8Array, start: number, count: number): number {
  let value = 0;
  for (let at = start; at < start + count; at++) {
    const digit = (content[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) throw new Asn1Error('bad_value', 'a time with something else than digits');
    value = value * 10 + digit;
  }
  return value;
}

/** A moment as `YYYYMMDDHHMMSSZ`; fractions of a second are cut off. */
export function generalizedTimeText(date: Date): string {
  const year = date.getUTCFullYear();
  if (!(year >= 0 && year <= 9999)) throw new Asn1Error('bad_value', 'a time outside the years 0 to 9999');
  return `${date.toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')}Z`;
}

/** Whether RFC 5280 wants UTCTime for this moment: through the year 2049. */
export function fitsUtcTime(date: Date): boolean {
  const year = date.getUTCFullYear();
  return year >= 1950 && year <= 2049;
}
