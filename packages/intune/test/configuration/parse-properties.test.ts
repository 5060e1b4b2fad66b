import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import { IntuneArgumentError, loadProperties, parseProperties } from '../../src/index.ts';

describe('parseProperties', () => {
  // What java.util.Properties of OpenJDK 17 makes of the same text.
  const rows: [name: string, text: string, properties: Record<string, string>][] = [
    ['nothing', '', {}],
    ['separators', 'a=1\nb:2\nc 3\nd\t4\ne\f5', { a: '1', b: '2', c: '3', d: '4', e: '5' }],
    ['blanks around separators', 'a = 1\nb : 2\nc  \t= 3', { a: '1', b: '2', c: '3' }],
    ['only the first separator', 'a==1\nb=:2\nc: =3\nd e=f', { a: '=1', b: ':2', c: '=3', d: 'e=f' }],
    ['keys alone', 'a\nb=\nc:', { a: '', b: '', c: '' }],
    ['a value alone', '=1', { '': '1' }],
    ['comments and empty lines', '# a=1\n  ! b=2\n\n \t\nc=3', { c: '3' }],
    ['no comment after a value', 'a=1 # one', { a: '1 # one' }],
    ['line ends of every system', 'a=1\r\nb=2\rc=3\n', { a: '1', b: '2', c: '3' }],
    ['blanks before a key', ' \t\fa=1', { a: '1' }],
    ['blanks after a value', 'a=1 \t\n', { a: '1 \t' }],
    ['a continued value', 'a=1,\\\n   2,\\\r\n\t3', { a: '1,2,3' }],
    ['a continued key', 'a\\\n  b=1', { ab: '1' }],
    ['a continuation that looks like a comment', 'a=1\\\n# b', { a: '1# b' }],
    ['a continuation by an empty line', 'a=1\\\n\nb=2', { a: '1', b: '2' }],
    ['a continuation by nothing', 'a=1\\', { a: '1' }],
    ['no continuation of a comment', '# a\\\nb=1', { b: '1' }],
    ['an even number of backslashes at the end', 'a=1\\\\\nb=2', { a: '1\\', b: '2' }],
    ['an odd number of backslashes at the end', 'a=1\\\\\\\nb=2', { a: '1\\b=2' }],
    ['escaped separators in a key', 'a\\=b\\:c\\ d=1', { 'a=b:c d': '1' }],
    ['control characters', 'a=\\t\\n\\r\\f', { a: '\t\n\r\f' }],
    ['other escapes', 'a=\\q\\"\\#\\!\\=\\:\\ ', { a: 'q"#!=: ' }],
    ['a path of Windows', 'a=C:\\certs\\new.pem', { a: 'C:certs\new.pem' }],
    ['Unicode escapes', '\\u0061=Z\\u00FCrich \\uD83D\\uDE00', { a: 'Zürich 😀' }],
    ['an upper-case U', 'a=\\U0041', { a: 'U0041' }],
    ['quotation marks', 'a="1"', { a: '"1"' }],
    ['a key twice', 'a=1\na=2', { a: '2' }],
    ['keys in two letter cases', 'a=1\nA=2', { a: '1', A: '2' }],
    ['blanks that are none to Java', 'a\u00a0b=\u00a01', { 'a\u00a0b': '\u00a01' }],
    [
      'names of every object',
      '__proto__=1\nconstructor=2',
      Object.fromEntries([
        ['__proto__', '1'],
        ['constructor', '2'],
      ]),
    ],
  ];
  for (const [name, text, properties] of rows) {
    it(`reads ${name}`, () => {
      assert.deepEqual({ ...parseProperties(text) }, properties);
    });
  }

  it('drops a byte order mark', () => {
    assert.deepEqual({ ...parseProperties('\uFEFFAAD_APP_ID=1') }, { AAD_APP_ID: '1' });
  });

  it('has nothing but what it has read', () => {
    assert.equal(parseProperties('')['toString'], undefined);
  });

  for (const escape of ['\\u', '\\u12', '\\u12g4', '\\uu0041']) {
    it(`refuses ${escape}, naming the line and not the value`, () => {
      assert.throws(
        () => parseProperties(`a=1\nb=\\\n2\n\nAAD_APP_KEY=secret${escape}`),
        (error) => {
          assert.ok(error instanceof IntuneArgumentError);
          assert.equal(error.message, 'properties: line 5: \\u must be followed by four hex digits');
          return true;
        },
      );
    });
  }

  it('refuses more than a megabyte', () => {
    assert.throws(() => parseProperties('#'.repeat(1024 * 1024 + 1)), IntuneArgumentError);
    assert.deepEqual({ ...parseProperties('#'.repeat(1024 * 1024)) }, {});
  });

  it('gives back whatever was escaped', () => {
    const escape = (text: string): string =>
      text.replaceAll(/[^]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ unit: 'binary', minLength: 1 }), fc.string({ unit: 'binary' })),
        (properties) => {
          const text = Object.entries(properties).map(([key, value]) => `${escape(key)}=${escape(value)}`);
          assert.deepEqual({ ...parseProperties(text.join('\n')) }, { ...properties });
        },
      ),
    );
  });

  it('survives any text', () => {
    const unit = fc.constantFrom('\\', '\n', '\r', ' ', '=', ':', '#', 'a', 'u', '0');
    fc.assert(
      fc.property(fc.string({ unit }), (text) => {
        try {
          assert.ok(Object.values(parseProperties(text)).every((value) => typeof value === 'string'));
        } catch (error) {
          assert.ok(error instanceof IntuneArgumentError);
        }
      }),
    );
  });
});

describe('loadProperties', () => {
  const folder = mkdtempSync(join(tmpdir(), 'scepter-properties-'));
  after(() => rmSync(folder, { recursive: true }));
  const file = (name: string, content: string | Uint8Array): string => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };

  it('reads UTF-8, with and without byte order mark', () => {
    const text = 'PROVIDER_NAME_AND_VERSION=Zürich CA 1.0\n';
    assert.equal(loadProperties(file('plain', text))['PROVIDER_NAME_AND_VERSION'], 'Zürich CA 1.0');
    assert.equal(loadProperties(file('marked', `\uFEFF${text}`))['PROVIDER_NAME_AND_VERSION'], 'Zürich CA 1.0');
  });

  it('reads ISO-8859-1, as Java writes it', () => {
    const properties = loadProperties(file('latin1', Buffer.from('PROXY_PASS=Zürich', 'latin1')));
    assert.equal(properties['PROXY_PASS'], 'Zürich');
  });

  const missing: [name: string, path: string, problem: RegExp][] = [
    ['is not there', join(folder, 'missing'), /^file: .*ENOENT$/],
    ['is a folder', folder, /^file: .* no regular file$/],
    ['is UTF-16', file('utf16', Buffer.from('\uFEFFTENANT=a', 'utf16le')), /^file: .* has to be UTF-8$/],
    ['holds zero octets', file('zero', 'TENANT=a\0'), /^file: .* has to be UTF-8$/],
    ['is too large', file('large', '#'.repeat(1024 * 1024 + 1)), /^file: .* larger than 1048576 bytes$/],
  ];
  it('refuses a device, which may have no end', { skip: process.platform === 'win32' }, () => {
    const link = join(folder, 'link');
    symlinkSync('/dev/zero', link);
    assert.throws(() => loadProperties(link), { argument: 'file', message: /^file: .* no regular file$/ });
  });

  for (const [name, path, problem] of missing) {
    it(`refuses a file that ${name}`, () => {
      assert.throws(
        () => loadProperties(path),
        (error) => {
          assert.ok(error instanceof IntuneArgumentError);
          assert.equal(error.argument, 'file');
          assert.match(error.message, problem);
          return true;
        },
      );
    });
  }
});
