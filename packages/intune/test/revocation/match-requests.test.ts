import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  IntuneArgumentError,
  matchRevocationRequests,
  type RevocableCertificate,
  type RevocationRequest,
} from '../../src/index.ts';
import { notations, serialNumbers } from './serial-notations.ts';

const request = (serialNumber: string, changes: Partial<RevocationRequest> = {}): RevocationRequest => ({
  requestContext: 'context',
  serialNumber,
  issuerName: 'CN=Issuing CA 1, O=Contoso',
  caConfiguration: '',
  ...changes,
});

/** The certificate's name, or the problem. */
function match(
  asked: RevocationRequest,
  certificates: (RevocableCertificate & { name?: string })[],
  options = {},
): string | undefined {
  const [found] = matchRevocationRequests([asked], certificates, options);
  assert.equal(found?.request, asked);
  return 'certificate' in found ? found.certificate.name : found.problem;
}

describe('matchRevocationRequests', () => {
  const inHex = { name: 'in hex', serialNumber: '1234' };
  const inDecimal = { name: 'in decimal', serialNumber: 1234n };
  const ca1 = { issuerName: 'cn=Issuing CA 1,O=Contoso' };
  const ca2 = { issuerName: 'CN=Issuing CA 2,O=Contoso' };

  const rows: [
    name: string,
    asked: RevocationRequest,
    certificates: (RevocableCertificate & { name?: string })[],
    expected: string,
  ][] = [
    ['no certificate', request('4F00A1'), [], 'unknown'],
    ['another certificate', request('4F00A1'), [{ serialNumber: '4F00A2' }], 'unknown'],
    ['a text that is no number', request('serial'), [{ serialNumber: '4F00A1' }], 'unknown'],
    ['the hex reading alone', request('1234'), [inHex], 'in hex'],
    ['the decimal reading alone', request('1234'), [inDecimal], 'in decimal'],
    ['both readings, nothing known of the issuers', request('1234'), [inHex, inDecimal], 'ambiguous'],
    [
      'both readings of one issuer',
      request('1234'),
      [
        { ...inHex, ...ca1 },
        { ...inDecimal, ...ca1 },
      ],
      'ambiguous',
    ],
    [
      'both readings, the issuer decides',
      request('1234'),
      [
        { ...inHex, ...ca2 },
        { ...inDecimal, ...ca1 },
      ],
      'in decimal',
    ],
    [
      'both readings, neither of the issuer',
      request('1234'),
      [
        { ...inHex, ...ca2 },
        { ...inDecimal, ...ca2 },
      ],
      'ambiguous',
    ],
    ['one reading, of another issuer', request('1234'), [{ ...inHex, ...ca2 }], 'ambiguous'],
    ['a number that another CA may have used too', request('0x1234'), [{ ...inHex, ...ca2 }], 'ambiguous'],
    ['a short number, the issuers unsaid', request('0x1234', { issuerName: '' }), [{ ...inHex, ...ca2 }], 'in hex'],
    [
      'a random number, of an issuer written differently',
      request('0x00F1E2D3C4B5A697'),
      [{ name: 'random', serialNumber: 0xf1e2d3c4b5a697n, ...ca2 }],
      'random',
    ],
    [
      'two CAs with the same number',
      request('4F00A1'),
      [
        { name: 'a', serialNumber: '4F00A1', ...ca2 },
        { name: 'b', serialNumber: '4F00A1', ...ca1 },
      ],
      'b',
    ],
    [
      'the same certificate twice',
      request('4F00A1'),
      [
        { serialNumber: '4F00A1', ...ca1 },
        { serialNumber: '4F00A1', ...ca1 },
      ],
      'ambiguous',
    ],
    [
      'one CA in two configurations',
      request('4F00A1', { caConfiguration: 'east' }),
      [
        { name: 'west', serialNumber: '4F00A1', ...ca1, caConfiguration: 'west' },
        { name: 'east', serialNumber: '4F00A1', ...ca1, caConfiguration: 'EAST' },
      ],
      'east',
    ],
    [
      'a request without issuer, and two certificates',
      request('4F00A1', { issuerName: '' }),
      [
        { serialNumber: '4F00A1', ...ca1 },
        { serialNumber: '4F00A1', ...ca2 },
      ],
      'ambiguous',
    ],
    ['a certificate with a negative number', request('-123'), [{ name: 'negative', serialNumber: -123n }], 'negative'],
  ];
  for (const [name, asked, certificates, expected] of rows) {
    it(`${name}: ${expected}`, () => {
      assert.equal(match(asked, certificates), expected);
    });
  }

  it('keeps to the notation it is told', () => {
    assert.equal(match(request('1234'), [inHex, inDecimal], { notation: 'hex' }), 'in hex');
    assert.equal(match(request('1234'), [inHex, inDecimal], { notation: 'decimal' }), 'in decimal');
  });

  it('refuses a notation that does not exist', () => {
    assert.throws(() => match(request('1234'), [inHex], { notation: 'Decimal' }), { argument: 'notation' });
  });

  for (const [name, serialNumber] of [
    ['text that is no number', 'serial'],
    ['a number', 1234],
    ['nothing', undefined],
  ]) {
    it(`refuses a certificate whose serial number is ${name}`, () => {
      assert.throws(
        () => matchRevocationRequests([], [inHex, { serialNumber } as RevocableCertificate]),
        (error) => error instanceof IntuneArgumentError && error.argument === 'certificates[1].serialNumber',
      );
    });
  }

  it('finds the certificate by any notation of its number, or asks; it never takes another', () => {
    const cas = fc.constantFrom({}, ca1, ca2);
    const certificates = fc.array(fc.tuple(serialNumbers, cas), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(certificates, fc.nat(), notations, (numbers, choice, { write }) => {
        const all: RevocableCertificate[] = numbers.map(([serialNumber, ca]) => ({ serialNumber, ...ca }));
        const meant = all[choice % all.length]!;
        const asked = request(write(meant.serialNumber as bigint), { issuerName: meant.issuerName ?? '' });
        const [found] = matchRevocationRequests([asked], all);
        assert.ok(found);
        if ('certificate' in found) {
          assert.equal(found.certificate.serialNumber, meant.serialNumber);
        } else {
          assert.equal(found.problem, 'ambiguous');
        }
      }),
    );
  });

  it('does not ask about random numbers in whatever notation', () => {
    const random = fc.bigInt({ min: 1n << 96n, max: (1n << 160n) - 1n });
    fc.assert(
      fc.property(fc.uniqueArray(random, { minLength: 1, maxLength: 20 }), notations, (numbers, { write }) => {
        const certificates = numbers.map((serialNumber) => ({ serialNumber }));
        const asked = numbers.map((number) => request(write(number)));
        const matches = matchRevocationRequests(asked, certificates);
        assert.deepEqual(
          matches.map((each) => ('certificate' in each ? each.certificate : each.problem)),
          certificates,
        );
      }),
    );
  });

  it('matches 500 requests against 100,000 certificates in well under the time of one call', () => {
    const certificates = Array.from({ length: 100_000 }, (_, index) => ({ serialNumber: (BigInt(index) << 64n) + 7n }));
    const asked = certificates.slice(-500).map(({ serialNumber }) => request(serialNumber.toString(16)));
    const start = performance.now();
    const matches = matchRevocationRequests(asked, certificates);
    assert.ok(performance.now() - start < 2000);
    assert.deepEqual(
      matches.map((each) => 'certificate' in each && each.certificate),
      certificates.slice(-500),
    );
  });
});
