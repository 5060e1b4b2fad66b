import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decodeMessage, parseScepQuery } from '../../src/http/scep-query.ts';

const bytes = Uint8Array.from({ length: 100 }, (_, index) => index * 5);
const base64 = Buffer.from(bytes).toString('base64');

describe('the query of a SCEP URL', () => {
  it('is read by the first parameter of each name, whatever its case', () => {
    assert.deepEqual(parseScepQuery('a=b&Operation=GetCACert&message=x%3D&operation=y&MESSAGE=z'), {
      operation: 'GetCACert',
      rawMessage: 'x%3D',
    });
    assert.deepEqual(parseScepQuery(''), { operation: undefined, rawMessage: undefined });
    assert.deepEqual(parseScepQuery('message'), { operation: undefined, rawMessage: '' });
  });
});

describe('the message of a GET', () => {
  const written: readonly [string, string][] = [
    ['percent-encoded', encodeURIComponent(base64)],
    ['raw', base64],
    ['with spaces for its plus signs', base64.replaceAll('+', '%20')],
    ['with line breaks', encodeURIComponent(base64.replace(/.{64}/g, '$&\r\n'))],
    ['without padding', base64.replaceAll('=', '')],
    ['with more padding than there should be', `${base64}====`],
  ];
  for (const [name, text] of written) {
    it(`is read ${name}`, () => assert.deepEqual(decodeMessage(text), bytes));
  }

  const refused: readonly [string, string][] = [
    ['nothing', ''],
    ['padding alone', '===='],
    ['padding inside', 'AAAA=AAA'],
    ['one sign too many', 'AAAAA'],
    ['another alphabet', 'AA-_'],
    ['broken percent-encoding', 'AAAA%4'],
    ['bytes that are no UTF-8', 'AAAA%FF'],
  ];
  for (const [name, text] of refused) {
    it(`is refused: ${name}`, () => assert.equal(decodeMessage(text), undefined));
  }

  it('of nothing but padding costs no more than its length', () => {
    const before = process.threadCpuUsage();
    for (const sign of ['=', '%3D', ' ', '%0A']) assert.equal(decodeMessage(`${sign.repeat(30_000)}=A`), undefined);
    const { user, system } = process.threadCpuUsage(before);
    assert.ok(user + system < 200_000, `${user + system} microseconds`);
  });
});
