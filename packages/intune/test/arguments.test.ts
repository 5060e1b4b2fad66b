import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { IntuneArgumentError, IntuneClient, type IntuneClientOptions } from '../src/index.ts';
import { identity, Microsoft } from './microsoft.ts';
import { failure, rejection, success, validation } from './requests.ts';
import { Agent } from 'undici';

describe('options', () => {
  const good: IntuneClientOptions = {
    tenant: 'contoso.onmicrosoft.com',
    credential: { clientId: 'id', clientSecret: 'secret' },
    callerInfo: 'Test CA 1.0',
  };

  it('need tenant, credential and caller only', () => {
    assert.doesNotThrow(() => new IntuneClient(good));
  });

  for (const cloud of ['public', 'usGovernment', 'usGovernmentDod'] as const) {
    it(`know the ${cloud} cloud`, () => {
      assert.doesNotThrow(() => new IntuneClient({ ...good, cloud }));
    });
  }

  const rows: [name: string, changes: Record<string, unknown>, argument: string][] = [
    ['no tenant', { tenant: undefined }, 'tenant'],
    ['an empty tenant', { tenant: '' }, 'tenant'],
    ['a tenant that leads elsewhere', { tenant: '../other' }, 'tenant'],
    ['all tenants at once', { tenant: 'common' }, 'tenant'],
    ['no credential', { credential: undefined }, 'credential'],
    ['a credential without id', { credential: { clientSecret: 'x' } }, 'credential.clientId'],
    ['a credential without secret', { credential: { clientId: 'x' } }, 'credential.clientSecret'],
    ['no caller', { callerInfo: '' }, 'callerInfo'],
    ['an unknown cloud', { cloud: 'toString' }, 'cloud'],
    ['China without its Intune resource', { cloud: 'china' }, 'intuneResource'],
    ['an authority by http', { authority: 'http://login.example' }, 'authority'],
    ['an authority with a password', { authority: 'https://a:b@login.example' }, 'authority'],
    ['a Graph URL that is none', { graphUrl: 'graph' }, 'graphUrl'],
    ['a Graph URL with a query', { graphUrl: 'https://graph.example/?a' }, 'graphUrl'],
    ['an Intune resource that is none', { intuneResource: 'intune' }, 'intuneResource'],
    ['a time-out of zero', { timeoutMs: 0 }, 'timeoutMs'],
    ['a time-out that no timer holds', { timeoutMs: 2 ** 31 }, 'timeoutMs'],
    ['a time-out of NaN', { timeoutMs: Number.NaN }, 'timeoutMs'],
    ['an attempt that takes longer than the call', { timeoutMs: 1000, attemptTimeoutMs: 1001 }, 'attemptTimeoutMs'],
    ['an attempt without time', { attemptTimeoutMs: 0 }, 'attemptTimeoutMs'],
    ['retries that are a number', { retry: 3 }, 'retry'],
    ['null for retries', { retry: null }, 'retry'],
    ['eleven retries', { retry: { maximumRetries: 11 } }, 'retry.maximumRetries'],
    ['less than no retries', { retry: { maximumRetries: -1 } }, 'retry.maximumRetries'],
    ['a delay of zero', { retry: { initialDelayMs: 0 } }, 'retry.initialDelayMs'],
    ['a delay that is no number', { retry: { maximumDelayMs: '5' } }, 'retry.maximumDelayMs'],
    ['a circuit that is true', { circuitBreaker: true }, 'circuitBreaker'],
    [
      'a circuit that opens before a failure',
      { circuitBreaker: { failureThreshold: 0 } },
      'circuitBreaker.failureThreshold',
    ],
    ['a circuit that is open for no time', { circuitBreaker: { openMs: 0 } }, 'circuitBreaker.openMs'],
    ['locations without a life', { locationLifetimeMs: 0 }, 'locationLifetimeMs'],
    ['a version of Graph that leads elsewhere', { graphApiVersion: '../x' }, 'graphApiVersion'],
    ['an Intune application that is no GUID', { intuneApplicationId: 'intune' }, 'intuneApplicationId'],
    ['a service version with a line break', { scepServiceVersion: '2018\r\nx: y' }, 'scepServiceVersion'],
    ['an empty service version', { pkiConnectorServiceVersion: '' }, 'pkiConnectorServiceVersion'],
    ['a host suffix without a dot', { endpointHostSuffixes: ['manage.example'] }, 'endpointHostSuffixes'],
    ['a whole top-level domain', { endpointHostSuffixes: ['.com'] }, 'endpointHostSuffixes'],
    ['a host suffix that is a pattern', { endpointHostSuffixes: ['.*.example'] }, 'endpointHostSuffixes'],
    ['a host suffix for its list', { endpointHostSuffixes: '.manage.example' }, 'endpointHostSuffixes'],
    ['loopback as text', { allowLoopback: 'false' }, 'allowLoopback'],
    ['a hook that is none', { onEvent: {} }, 'onEvent'],
    ['a clock that is a date', { now: new Date() }, 'now'],
    ['dice that are a number', { random: 4 }, 'random'],
    ['a last download that is a number', { lastRevocationDownload: 0 }, 'lastRevocationDownload'],
    ['a last download that is no date', { lastRevocationDownload: new Date(Number.NaN) }, 'lastRevocationDownload'],
    ['a CA file name for its contents', { tls: { ca: 'ca.pem' } }, 'tls.ca'],
    ['a dispatcher beside tls', { dispatcher: new Agent(), tls: { ca: identity.ca } }, 'dispatcher'],
  ];
  for (const [name, changes, argument] of rows) {
    it(`refuse ${name}`, () => {
      assert.throws(
        () => new IntuneClient({ ...good, ...changes }),
        (error) =>
          error instanceof IntuneArgumentError && error.argument === argument && error.code === 'intune.argument',
      );
    });
  }

  it('change what is sent and where', async (test) => {
    const microsoft = await Microsoft.start();
    test.after(() => microsoft.stop());
    const intuneApplicationId = '11111111-2222-4333-8444-555555555555';
    await microsoft
      .connect({ graphApiVersion: 'beta', intuneApplicationId, scepServiceVersion: '5018-02-20' })
      .validateRequest(validation);
    const { path } = microsoft.last('discovery');
    assert.equal(path, `/beta/servicePrincipals/appId=${intuneApplicationId}/endpoints`);
    assert.equal(microsoft.last('service').headers['api-version'], '5018-02-20');
  });

  it('switch repeats and circuits off', () => {
    assert.doesNotThrow(() => new IntuneClient({ ...good, retry: false, circuitBreaker: false }));
  });

  it('shorten an attempt to the call', () => {
    assert.doesNotThrow(() => new IntuneClient({ ...good, timeoutMs: 50 }));
  });

  it('refuse nothing at all', () => {
    assert.throws(() => new IntuneClient(undefined as unknown as IntuneClientOptions), IntuneArgumentError);
  });
});

describe('arguments', () => {
  let microsoft: Microsoft;
  let client: IntuneClient;
  before(async () => {
    microsoft = await Microsoft.start();
    client = microsoft.connect();
  });
  after(() => microsoft.stop());

  type Method = 'validateRequest' | 'notifySuccess' | 'notifyFailure';
  const complete: Record<Method, object> = {
    validateRequest: validation,
    notifySuccess: success,
    notifyFailure: failure,
  };
  const common: [name: string, argument: string, value: unknown][] = [
    ['no transaction id', 'transactionId', undefined],
    ['an empty transaction id', 'transactionId', ''],
    ['a transaction id of 1,025 characters', 'transactionId', 'x'.repeat(1025)],
    ['half a surrogate pair', 'transactionId', '\ud800'],
    ['no request', 'certificateRequest', undefined],
    ['an empty request', 'certificateRequest', ''],
    [
      'a PEM request',
      'certificateRequest',
      '-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----',
    ],
    ['a request with line breaks', 'certificateRequest', 'MIIB\nMIIB'],
    ['base64url', 'certificateRequest', 'MII_MII-'],
    ['base64 without its padding', 'certificateRequest', 'MIIBMA'],
    ['base64 of something else', 'certificateRequest', 'AAAA'],
    ['bytes', 'certificateRequest', new Uint8Array(4)],
    ['a huge request', 'certificateRequest', 'MIIB'.repeat(65537)],
    ['something that is no signal', 'signal', {}],
  ];
  const rows: [method: Method, name: string, argument: string, value: unknown][] = [
    ...(Object.keys(complete) as Method[]).flatMap((method) =>
      common.map(([name, argument, value]): [Method, string, string, unknown] => [method, name, argument, value]),
    ),
    ['notifySuccess', 'a short thumbprint', 'certificateThumbprint', 'ABCD'],
    ['notifySuccess', 'a thumbprint with colons', 'certificateThumbprint', '01:23'.repeat(8)],
    ['notifySuccess', 'no serial number', 'certificateSerialNumber', ''],
    ['notifySuccess', 'a serial number that is no hex', 'certificateSerialNumber', '0x12'],
    ['notifySuccess', 'an invalid date', 'certificateExpirationDateUtc', new Date(Number.NaN)],
    ['notifySuccess', 'a date as text', 'certificateExpirationDateUtc', '2027-01-01'],
    ['notifySuccess', 'no issuer', 'issuingCertificateAuthority', ''],
    ['notifySuccess', 'an issuer of 257 characters', 'issuingCertificateAuthority', 'x'.repeat(257)],
    ['notifySuccess', 'a caConfiguration of 257 characters', 'caConfiguration', 'x'.repeat(257)],
    ['notifySuccess', 'a certificateAuthority that is no text', 'certificateAuthority', 5],
    ['notifyFailure', 'no HRESULT', 'hResult', undefined],
    ['notifyFailure', 'an HRESULT of 33 bits', 'hResult', 0x1_0000_0000],
    ['notifyFailure', 'an HRESULT below 32 bits', 'hResult', -0x8000_0001],
    ['notifyFailure', 'a broken HRESULT', 'hResult', 0.5],
    ['notifyFailure', 'an HRESULT as text', 'hResult', '0x80004005'],
    ['notifyFailure', 'no description', 'errorDescription', ''],
  ];
  for (const [method, name, argument, value] of rows) {
    it(`${method} refuses ${name} and sends nothing`, async () => {
      const call = client[method].bind(client) as (request: object) => Promise<unknown>;
      const error = await rejection(call({ ...complete[method], [argument]: value }));
      assert.ok(error instanceof IntuneArgumentError);
      assert.equal(error.argument, argument);
      assert.equal(microsoft.received.length, 0);
    });
  }

  it('must be there', async () => {
    await assert.rejects(client.validateRequest(undefined as never), IntuneArgumentError);
  });
});
