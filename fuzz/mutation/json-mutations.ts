/** Changes of a JSON value that leave it JSON. */
import type { Random } from './random.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const edgeValues: readonly [Json, ...Json[]] = [
  null,
  true,
  false,
  0,
  -1,
  1,
  0.5,
  65_535,
  65_536,
  2 ** 31,
  2 ** 53,
  1e308,
  '',
  ' ',
  'a',
  '0',
  'true',
  '../../etc/passwd',
  '/dev/zero',
  'x'.repeat(300),
  '\0',
  '\u202e',
  'http://a',
  'https://a',
  'file:///a',
  'http://a b',
  'http://[::1]:1/',
  '127.0.0.1',
  '::',
  'a.b',
  'constructor',
  '__proto__',
  '1.2.3',
  '2.999',
  'CN=#0C01FF',
  '1.40=a',
  'CN=\\ff',
  'IP:1',
  'DNS:\u00e9',
  'URI:',
  'directory:CN=a',
  '9007199254740993',
  '1.2.3.99999999999999999999',
  [],
  {},
  [[]],
  [null],
  { kind: 'intune' },
  { kind: 'static-challenge' },
  { kind: 'one-time-challenge' },
  { kind: 'manual' },
  { file: 'a' },
  { environment: 'SECRET' },
  { file: 'a', environment: 'b' },
  { environment: '__proto__' },
];

interface Place {
  readonly holder: Json[] | { [key: string]: Json };
  readonly key: string;
}

function placesOf(value: Json, places: Place[] = []): Place[] {
  if (typeof value !== 'object' || value === null) return places;
  for (const [key, inner] of Object.entries(value)) {
    places.push({ holder: value, key });
    placesOf(inner, places);
  }
  return places;
}

function setAt({ holder, key }: Place, value: Json): void {
  // Not by assignment: "__proto__" is a key like any other.
  Object.defineProperty(holder, key, { value, writable: true, enumerable: true, configurable: true });
}

function copied(value: Json | undefined): Json {
  return value === undefined ? null : (JSON.parse(JSON.stringify(value)) as Json);
}

const valueAt = ({ holder, key }: Place): Json | undefined => (holder as { [key: string]: Json })[key];

/** Undefined when the text is no JSON. */
export function mutateJson(text: string, donor: string, random: Random): string | undefined {
  const value = parsed(text);
  if (value === undefined) return undefined;
  const places = placesOf(value);
  const place = random.pick(places);
  if (place === undefined) return JSON.stringify(random.pick(edgeValues));
  switch (random.below(6)) {
    case 0:
      if (Array.isArray(place.holder)) place.holder.splice(Number(place.key), 1);
      else delete place.holder[place.key];
      break;
    case 1:
      setAt(place, random.pick(edgeValues));
      break;
    case 2: {
      const other = random.pick(placesOf(parsed(donor) ?? null));
      if (other !== undefined) setAt(place, copied(valueAt(other)));
      break;
    }
    case 3: {
      const other = random.pick(places);
      if (other !== undefined) setAt({ holder: place.holder, key: other.key }, copied(valueAt(place)));
      break;
    }
    case 4: {
      const old = valueAt(place);
      if (typeof old === 'number') setAt(place, old + random.between(-2, 2));
      else if (typeof old === 'string') setAt(place, old + random.pick(['', ' ', '0', '/', '\u0000', '.'] as const));
      else setAt(place, [copied(old)]);
      break;
    }
    default:
      setAt(
        {
          holder: place.holder,
          key: random.pick(['__proto__', 'constructor', 'toString', 'a', '', 'kind', '0'] as const),
        },
        copied(valueAt(place)),
      );
  }
  return JSON.stringify(value);
}

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}
