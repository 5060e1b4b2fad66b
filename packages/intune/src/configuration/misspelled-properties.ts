import { intuneProperties, type IntunePropertyName } from './intune-properties.ts';
import type { Properties } from './parse-properties.ts';

/** A property that has no effect, and the one that was probably meant. */
export interface MisspelledProperty {
  /** As it was given. */
  readonly name: string;
  readonly meant: IntunePropertyName;
}

/**
 * Finds properties whose names are nearly those of known ones: other letter case, other separators, or one letter
 * missing, added or replaced. All others are taken for somebody else's and left alone.
 *
 * @example
 * ```ts
 * findMisspelledProperties({ AAD_APPID: clientId }); // [{ name: 'AAD_APPID', meant: 'AAD_APP_ID' }]
 * ```
 */
export function findMisspelledProperties(properties: Properties): MisspelledProperty[] {
  const known = intuneProperties.map(({ name }) => ({ name, key: keyOf(name) }));
  return Object.keys(properties).flatMap((name) => {
    const key = keyOf(name);
    if (known.some((property) => property.name === name)) {
      return [];
    }
    const meant = known.find((property) => isOneEditApart(key, property.key));
    return meant === undefined ? [] : [{ name, meant: meant.name }];
  });
}

function keyOf(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
}

/** Whether one insertion, deletion or replacement at most leads from one text to the other. */
function isOneEditApart(one: string, other: string): boolean {
  if (Math.abs(one.length - other.length) > 1) {
    return false;
  }
  let start = 0;
  while (start < one.length && one[start] === other[start]) {
    start += 1;
  }
  const rests = [one.slice(start), other.slice(start)] as const;
  return rests[0].slice(1) === rests[1].slice(1) || rests[0].slice(1) === rests[1] || rests[0] === rests[1].slice(1);
}
