import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import { judgePkiConnector, judgeServices } from '../../src/doctor/checks/discovery.ts';
import { judgeClaims } from '../../src/doctor/checks/roles.ts';
import { judgeTls } from '../../src/doctor/checks/tls.ts';
import type { ListedService } from '../../src/doctor/patient.ts';
import type { TlsPicture } from '../../src/doctor/tls-probe.ts';
import { createServerIdentity } from '../tls-certificate.ts';

describe('a handshake', () => {
  const host = 'login.microsoftonline.com';
  const { cert } = createServerIdentity([host]);
  const certificate = new X509Certificate(cert);
  const day = (days: number): Date => new Date(certificate.validToDate.getTime() - days * 86_400_000);
  const usual: TlsPicture = { protocol: 'TLSv1.3', certificate, top: 'A root', isPublic: true, problem: undefined };

  const rows: [name: string, url: string, picture: Partial<TlsPicture>, now: Date, state: string, saw: RegExp][] = [
    ['with a public root', `https://${host}`, {}, day(100), 'ok', /until \d{4}-\d\d-\d\d\.$/],
    [
      'with a private root in place of Microsoft’s',
      `https://${host}`,
      { isPublic: false, top: 'Contoso Inspection CA' },
      day(100),
      'warning',
      /its root is Contoso Inspection CA, a private CA\.$/,
    ],
    [
      'with a private root in the US Government',
      'https://graph.microsoft.us',
      { isPublic: false },
      day(100),
      'warning',
      /not Microsoft's certificate/,
    ],
    [
      'with a private root in China',
      'https://login.partner.microsoftonline.cn',
      { isPublic: false },
      day(100),
      'warning',
      /not Microsoft's certificate/,
    ],
    [
      'with a private root at a host of one’s own',
      'https://emulator.example',
      { isPublic: false },
      day(100),
      'ok',
      /a private CA\.$/,
    ],
    [
      'with a host that only looks like Microsoft’s',
      'https://microsoft.com.example',
      { isPublic: false },
      day(100),
      'ok',
      /a private CA\.$/,
    ],
    ['with six days left', `https://${host}`, {}, day(6), 'warning', /which is soon\.$/],
    [
      'that is not trusted',
      `https://${host}`,
      { problem: 'SELF_SIGNED_CERT_IN_CHAIN', isPublic: false },
      day(100),
      'failed',
      /not trusted: it leads to no CA that is trusted here \(SELF_SIGNED_CERT_IN_CHAIN\)\.$/,
    ],
  ];
  for (const [name, url, picture, now, state, saw] of rows) {
    it(`${name} is ${state}`, () => {
      const finding = judgeTls(new URL(url), { ...usual, ...picture }, now);
      assert.equal(finding.state, state);
      assert.match(finding.saw, saw);
      assert.equal(finding.advice === undefined, state === 'ok');
    });
  }

  it('with control characters in its names is shown without them', () => {
    const certificate = new X509Certificate(createServerIdentity(['evil\u009B31m']).cert);
    const { saw, details } = judgeTls(new URL(`https://${host}`), { ...usual, certificate }, day(100));
    assert.doesNotMatch(saw + JSON.stringify(details), /\p{Cc}/u);
  });

  it('that is not trusted leads to the clock, the name or the CA, whichever it is', () => {
    const advice = (problem: string): string =>
      judgeTls(new URL(`https://${host}`), { ...usual, problem }, day(100)).advice ?? '';
    assert.match(advice('CERT_HAS_EXPIRED'), /clock/);
    assert.match(advice('ERR_TLS_CERT_ALTNAME_INVALID'), /for another name/);
    assert.match(advice('UNABLE_TO_GET_ISSUER_CERT_LOCALLY'), /A root is the CA of your own proxy/);
  });
});

describe('a token', () => {
  const rows: [name: string, roles: string[], delegated: string[], state: string, saw: RegExp][] = [
    ['with the permission alone', ['scep_challenge_provider'], [], 'ok', /, and nothing more\.$/],
    [
      'with one to read beside it',
      ['scep_challenge_provider', 'DeviceManagementApps.Read.All'],
      [],
      'ok',
      /beside it Dev/,
    ],
    [
      'with one to write beside it',
      ['scep_challenge_provider', 'DeviceManagementApps.ReadWrite.All'],
      [],
      'warning',
      /beside it Dev/,
    ],
    ['without any', [], [], 'failed', /was added as a delegated permission/],
    ['of a user', [], ['User.Read'], 'failed', /stands for a user \(delegated permissions: User\.Read\)/],
    ['with another', ['pfx_cert_provider'], [], 'failed', /carries pfx_cert_provider but not scep_challenge_provider/],
    ['with it in other letters', ['SCEP_challenge_provider'], [], 'failed', /but not/],
  ];
  for (const [name, roles, delegated, state, saw] of rows) {
    it(`${name} is ${state}`, () => {
      const finding = judgeClaims({ roles, delegated }, 'scep_challenge_provider');
      assert.equal(finding.state, state);
      assert.match(finding.saw, saw);
    });
  }
});

describe('the list of services', () => {
  const at = (name: string, host: string): ListedService => ({ name, address: { url: new URL(`https://${host}/x`) } });
  const refused = (name: string): ListedService => ({ name, address: { problem: 'it is not https' } });
  const scep = 'scepREQUESTvalidationFEService';

  const rows: [name: string, services: ListedService[], state: string, saw: RegExp][] = [
    ['with one address', [at(scep, 'a.manage.microsoft.com')], 'ok', /is at a\.manage\.microsoft\.com\.$/],
    [
      'with the same name twice',
      [at(scep, 'a.example'), at(scep, 'b.example')],
      'ok',
      /at a\.example and b\.example, under 2 addresses that are tried in turn\.$/,
    ],
    [
      'with a refused address beside a good one',
      [refused(scep), at(scep, 'b.example')],
      'warning',
      /A further address is refused: it is not https\.$/,
    ],
    ['with a refused address only', [refused(scep)], 'failed', /is refused: it is not https\.$/],
    [
      'with other services only',
      [at('PkiConnectorFEService', 'a.example')],
      'failed',
      /1 service of Intune \(PkiConnectorFEService\), and no ScepReq/,
    ],
    ['with nothing', [], 'failed', /no services of Intune, and no ScepReq/],
  ];
  for (const [name, services, state, saw] of rows) {
    it(`${name} is ${state}`, () => {
      const finding = judgeServices(services);
      assert.equal(finding.state, state);
      assert.match(finding.saw, saw);
    });
  }

  it('of any length makes a report that can be read', () => {
    const numbers = Array.from({ length: 100_000 }, (_, number) => number);
    for (const services of [
      numbers.map((number) => refused(`Service${number}`)),
      numbers.map((number) => ({ name: scep, address: { problem: `its host ${number} is foreign` } })),
      numbers.map((number) => at(scep, `h${number}.manage.microsoft.com`)),
    ]) {
      const finding = judgeServices(services);
      assert.match(finding.saw, /lists 100000 services/);
      assert.ok(JSON.stringify(finding).length < 30_000);
    }
  });

  it('shows whether revocation requests can be fetched', () => {
    assert.equal(judgePkiConnector([at('pkiCONNECTORfeservice', 'a.example')]).state, 'ok');
    assert.match(judgePkiConnector([at(scep, 'a.example')]).saw, /^There is no PkiConnectorFEService\.$/);
    const finding = judgePkiConnector([refused('PkiConnectorFEService')]);
    assert.equal(finding.state, 'warning');
    assert.match(finding.saw, /is refused: it is not https/);
  });
});
