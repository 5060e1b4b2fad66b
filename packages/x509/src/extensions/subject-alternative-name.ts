import type { GeneralName } from '../general-name.ts';
import { encodeGeneralNames } from '../general-name.ts';
import { oid } from '../object-identifiers.ts';
import type { Extension } from './extension.ts';

// SubjectAltName, RFC 5280 4.2.1.6: a GeneralNames.

/** @param critical must be true when the subject is empty. @throws Asn1Error `bad_value` */
export function subjectAltNameExtension(names: readonly GeneralName[], critical = false): Extension {
  return { oid: oid.subjectAltName, critical, value: encodeGeneralNames(names) };
}
