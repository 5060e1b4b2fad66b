/** Values that have broken readers of ASN.1 before, or that lie on the edge of a rule. */
import { fromHex } from '@scepter/x509';
import { element } from './ber-tree.ts';
import type { Random } from './random.ts';

const hex = (...texts: readonly string[]): Uint8Array[] => texts.map(fromHex);

/** Content octets by the tag of the element that takes them. */
const contents: ReadonlyMap<number, readonly Uint8Array[]> = new Map([
  // BOOLEAN
  [0x01, hex('', '00', '01', '7f', 'ff', '0000', 'ff00')],
  // INTEGER and ENUMERATED
  ...[0x02, 0x0a].map((tag): [number, Uint8Array[]] => [
    tag,
    hex(
      '',
      '00',
      '01',
      '02',
      '03',
      '7f',
      '80',
      'ff',
      '0080',
      '00ff',
      '7fff',
      '8000',
      'ffff',
      '0001',
      '00000001',
      'ff80',
      '7fffffff',
      '80000000',
      '00ffffffff',
      '7fffffffffff',
      '800000000000',
      '7fffffffffffffff',
      '8000000000000000',
      '1fffffffffffff',
      '20000000000000',
      '00'.repeat(20),
      'ff'.repeat(21),
      `00${'ff'.repeat(129)}`,
      '7f'.repeat(128),
      '55'.repeat(4097),
    ),
  ]),
  // BIT STRING
  [
    0x03,
    hex('', '00', '01', '07', '08', 'ff', '0000', '0080', '0780', '07ff', '0001', '08ff', '00ff80', '00'.repeat(20)),
  ],
  // NULL
  [0x05, hex('', '00', '0500')],
  // OBJECT IDENTIFIER
  [
    0x06,
    hex(
      '',
      '00',
      '80',
      '8001',
      '7f',
      '8100',
      '8837',
      '2a864886f70d010101',
      '2a864886f70d010701',
      '2a864886f70d010702',
      '2a864886f70d010703',
      '2a864886f70d010909',
      '2a864886f70d010904',
      '2a864886f70d010903',
      '2a864886f70d010107',
      '2a864886f70d010109',
      '2a864886f70d01010a',
      '2a864886f70d01010b',
      '2a864886f70d010907',
      '2a864886f70d01090e',
      '2a864886f70d010905',
      '608648016503040102',
      '60864801650304012a',
      '608648016503040201',
      '2a864886f70d0307',
      '2b0e030207',
      '2b0e03021a',
      '2a864886f70d0205',
      '2a864886f70d010910030b',
      '2a864886f70d01050c',
      '551d0e',
      '551d0f',
      '551d11',
      '551d13',
      '551d14',
      '551d15',
      '551d1f',
      '551d23',
      '551d25',
      '550403',
      '550405',
      '550406',
      '55040a',
      '0992268993f22c64010119',
      '2a864886f70d010901',
      '2b0601040182371402',
      '2b060104018237140203',
      '2b060104018237190200',
      '2b06010401823702010e',
      '2b06010505070101',
      '2b06010505073001',
      '2b06010505073002',
      '6086480186f845010902',
      '6086480186f845010903',
      '6086480186f845010904',
      '6086480186f845010905',
      '6086480186f845010906',
      '6086480186f845010907',
      '2b060105050718',
      '2a8648ce3d0201',
      '2a8648ce3d030107',
      '2b81040022',
      '2b81040023',
      '2a8648ce3d040302',
      '6983e4fb9aa1b0c8d9e7f2a1b0c8d9e7f2a1b001',
      '2a' + 'ff'.repeat(126) + '01',
      '2a' + 'ff'.repeat(200) + '7f',
    ),
  ],
  // UTCTime, GeneralizedTime
  [
    0x17,
    [
      '',
      '260101000000Z',
      '491231235959Z',
      '500101000000Z',
      '000229000000Z',
      '010229000000Z',
      '261301000000Z',
      '260101240000Z',
      '260101000060Z',
      '2601010000Z',
      '260101000000+0000',
      '26010100000:Z',
      '260000000000Z',
    ].map((text) => Buffer.from(text)),
  ],
  [
    0x18,
    [
      '',
      '20260101000000Z',
      '99991231235959Z',
      '00000101000000Z',
      '00010101000000Z',
      '20260101000000.5Z',
      '20260101000000',
      '19491231235959Z',
      '20500101000000Z',
      '-0260101000000Z',
      '20000230000000Z',
    ].map((text) => Buffer.from(text)),
  ],
]);

const texts: readonly [string, ...string[]] = [
  '',
  ' ',
  '0',
  '19',
  '17',
  '3',
  '20',
  '21',
  '22',
  '2',
  '4',
  '-1',
  '19 ',
  '019',
  '0x13',
  '1e1',
  '99999999999999999999',
  '=',
  ',',
  '+',
  '"',
  '\\',
  '\\\\',
  '#',
  '# ',
  ' #',
  ';',
  '<>',
  '\0',
  'a\0b',
  '\r\n',
  '\u202e',
  '\u2028',
  '\u00e9',
  'e\u0301',
  '\ud83d\ude00',
  '\ufeff',
  '\u0130',
  '\u00df',
  'CN=a,O=b',
  'a'.repeat(257),
  '\u0301'.repeat(300),
  'x'.repeat(1025),
  '%00',
  '$&',
  '__proto__',
  'constructor',
  'device.example',
  '*.example',
  'user@example.com',
  'http://a/',
  'file:///etc/passwd',
  'ldap://x/cn=y?z',
];
const stringTags: ReadonlySet<number> = new Set([0x0c, 0x13, 0x14, 0x16, 0x1a, 0x12, 0x1e, 0x1c, 0x81, 0x82, 0x86]);

/** Every identifier octet that a structure under test uses, and some that none does. */
const tags = [
  0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0a, 0x0c, 0x12, 0x13, 0x14, 0x16, 0x17, 0x18, 0x1a, 0x1c, 0x1e, 0x1f, 0x24,
  0x2c, 0x30, 0x31, 0x00, 0x3f, 0x60, 0x80, 0x81, 0x82, 0x83, 0x84, 0x86, 0x87, 0x88, 0xa0, 0xa1, 0xa2, 0xa3, 0xa4,
  0xa5, 0xbf, 0xc0, 0xe0, 0xff,
] as const;

export function anyTag(random: Random): number {
  return random.pick(tags);
}

export function textBytes(tag: number, text: string): Uint8Array {
  if (tag === 0x1e) return Uint8Array.from(Buffer.from(text, 'utf16le').swap16());
  if (tag === 0x1c)
    return Uint8Array.from(
      [...text].flatMap((character) => [
        0,
        ...Buffer.from((character.codePointAt(0) ?? 0).toString(16).padStart(6, '0'), 'hex'),
      ]),
    );
  return Uint8Array.from(Buffer.from(text, tag === 0x0c ? 'utf8' : 'latin1'));
}

/** Content octets that an element of this tag may not expect. */
export function anyContent(tag: number, random: Random): Uint8Array {
  if (stringTags.has(tag)) return textBytes(tag, random.pick(texts));
  const known = contents.get(tag);
  const content = known === undefined ? undefined : random.pick(known);
  if (content !== undefined) return content;
  return random.bytes(random.pick([0, 1, 2, 7, 8, 15, 16, 17, 20, 32, 64, 255, 256] as const));
}

/** A small element from nowhere. */
export function anyElement(random: Random): Uint8Array {
  const tag = anyTag(random);
  if ((tag & 0x20) === 0) return element(tag, anyContent(tag, random));
  return element(tag, random.oneIn(2) ? new Uint8Array() : element(0x06, anyContent(0x06, random)));
}
