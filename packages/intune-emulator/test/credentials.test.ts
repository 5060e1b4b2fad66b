/** How an application proves who it is: several secrets, certificates, federated credentials. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import {
  applicationCertificate,
  applicationPublicKey,
  certificateFor,
  signAssertion,
  x5c,
  x5t,
  type AssertionParts,
} from './assertions.ts';
import { createDesk, intuneScope, json, origin, secrets, type Desk } from './desk.ts';

const otherKeys = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ecKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ecPublicKey = ecKeys.publicKey.export({ format: 'pem', type: 'spki' }).toString();

const jwtBearer = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

async function numbers(response: Response): Promise<unknown> {
  const body = await json(response);
  return response.status === 200 ? 'accepted' : [response.status, ...(body['error_codes'] as number[])];
}

async function signInWithAssertion(desk: Desk, assertion: string, form: Record<string, string> = {}): Promise<unknown> {
  const overrides = { client_secret: '', client_assertion: assertion, client_assertion_type: jwtBearer, ...form };
  return numbers(await desk.tokenResponse(overrides));
}

describe('secrets', () => {
  it('are several, each good until it is removed', async () => {
    const desk = createDesk();
    const { control } = desk.emulator;
    const { id, secret } = await control.addApplicationSecret();
    const signIn = async (value: string) => numbers(await desk.tokenResponse({ client_secret: value }));
    assert.deepEqual([await signIn(secret), await signIn(secrets.clientSecret)], ['accepted', 'accepted']);
    await control.removeApplicationSecret('initial');
    assert.deepEqual([await signIn(secret), await signIn(secrets.clientSecret)], ['accepted', [401, 7_000_215]]);
    await control.removeApplicationSecret(id);
    assert.deepEqual(await signIn(secret), [401, 7_000_215]);
    assert.deepEqual(await control.applicationSecrets(), []);
  });

  it('end when they say so, with AADSTS7000222', async () => {
    const desk = createDesk();
    const endDateTime = '2026-03-01T12:30:00Z';
    const { id, secret } = await desk.emulator.control.addApplicationSecret({ endDateTime });
    const signIn = async () => numbers(await desk.tokenResponse({ client_secret: secret }));
    assert.equal(await signIn(), 'accepted');
    desk.advance(30 * 60_000);
    assert.deepEqual(await signIn(), [401, 7_000_222]);
    const listed = (await desk.emulator.control.applicationSecrets()).find((known) => known.id === id);
    assert.deepEqual(listed, { id, createdDateTime: '2026-03-01T12:00:00.000Z', endDateTime });
  });

  it('that do not exist cannot be removed', async () => {
    await assert.rejects(createDesk().emulator.control.removeApplicationSecret('x'), { code: 'emulator.not_found' });
  });
});

describe('a certificate', () => {
  /** A desk with the certificate registered, and an assertion that is right but for what a row changes. */
  async function certificateDesk(): Promise<{ desk: Desk; assertion: (parts?: AssertionParts) => string }> {
    const desk = createDesk();
    const { tenantId, clientId } = await desk.emulator.control.connection();
    await desk.emulator.control.addApplicationCertificate(applicationCertificate);
    const claims = { iss: clientId, sub: clientId, aud: `${origin}/${tenantId}/oauth2/v2.0/token` };
    const assertion = (parts: AssertionParts = {}) =>
      signAssertion({
        ...parts,
        header: parts.header ?? { x5t: x5t(applicationCertificate, 'sha1') },
        claims: { ...claims, ...parts.claims },
      });
    return { desk, assertion };
  }

  const accepted: { name: string; parts: AssertionParts }[] = [
    { name: 'RS256 and x5t', parts: {} },
    {
      name: 'PS256 and x5t#S256',
      parts: { algorithm: 'PS256', header: { 'x5t#S256': x5t(applicationCertificate, 'sha256') } },
    },
    { name: 'x5c alone', parts: { header: { x5c: x5c(applicationCertificate) } } },
    { name: 'an x5c that is a text', parts: { header: { x5c: x5c(applicationCertificate)[0] } } },
    {
      name: 'the audience as a list of one',
      parts: { claims: { aud: ['https://login.microsoftonline.com/contoso.onmicrosoft.com/v2.0'] } },
    },
    { name: 'no jti and no nbf, which Entra does not miss', parts: { claims: { jti: undefined, nbf: undefined } } },
  ];
  for (const { name, parts } of accepted) {
    it(`is accepted with ${name}`, async () => {
      const { desk, assertion } = await certificateDesk();
      assert.equal(await signInWithAssertion(desk, assertion(parts)), 'accepted');
    });
  }

  const time = Date.parse('2026-03-01T12:00:00Z') / 1000;
  const refused: { name: string; parts: AssertionParts; number: number }[] = [
    { name: 'a certificate that is not registered', parts: { header: { x5t: 'AAAA' } }, number: 700_027 },
    { name: 'no certificate named', parts: { header: {} }, number: 700_027 },
    { name: 'an x5c that is no certificate', parts: { header: { x5c: ['AAAA'] } }, number: 700_027 },
    { name: 'a signature by another key', parts: { key: otherKeys.privateKey }, number: 700_027 },
    {
      name: 'an algorithm that is none',
      parts: { header: { x5t: x5t(applicationCertificate, 'sha1'), alg: 'none' } },
      number: 5_002_738,
    },
    {
      name: 'PS256 announced as RS256',
      parts: { algorithm: 'PS256', header: { x5t: x5t(applicationCertificate, 'sha1'), alg: 'RS256' } },
      number: 700_027,
    },
    { name: 'another subject', parts: { claims: { sub: 'someone' } }, number: 700_021 },
    { name: 'another issuer', parts: { claims: { iss: 'someone' } }, number: 700_021 },
    { name: 'another audience', parts: { claims: { aud: 'https://login.example/token' } }, number: 700_023 },
    { name: 'no audience', parts: { claims: { aud: undefined } }, number: 700_023 },
    { name: 'two audiences', parts: { claims: { aud: ['a', 'b'] } }, number: 5_002_741 },
    { name: 'an end ten minutes ago', parts: { claims: { exp: time - 600 } }, number: 700_024 },
    { name: 'a beginning in ten minutes', parts: { claims: { nbf: time + 600 } }, number: 700_024 },
    { name: 'no end', parts: { claims: { exp: undefined } }, number: 50_027 },
    { name: 'an end that is a text', parts: { claims: { exp: '2026' } }, number: 50_027 },
    { name: 'a jti that is a number', parts: { claims: { jti: 7 } }, number: 50_027 },
  ];
  for (const { name, parts, number } of refused) {
    it(`is refused with ${name}: AADSTS${number}`, async () => {
      const { desk, assertion } = await certificateDesk();
      assert.deepEqual(await signInWithAssertion(desk, assertion(parts)), [401, number]);
    });
  }

  it('is refused once it is removed, by either thumbprint, and while it is not valid', async () => {
    const { desk, assertion } = await certificateDesk();
    const { control } = desk.emulator;
    const [registered] = await control.applicationCertificates();
    await control.removeApplicationCertificate(registered?.thumbprint.toLowerCase() ?? '');
    assert.deepEqual(await signInWithAssertion(desk, assertion()), [401, 700_027]);
    const expired = certificateFor(otherKeys, new Date('2026-01-01T00:00:00Z'));
    const { thumbprintSha256 } = await control.addApplicationCertificate(expired);
    const parts = { key: otherKeys.privateKey, header: { x5t: x5t(expired, 'sha1') } };
    assert.deepEqual(await signInWithAssertion(desk, assertion(parts)), [401, 1_000_502]);
    await control.removeApplicationCertificate(thumbprintSha256);
    assert.deepEqual(await control.applicationCertificates(), []);
  });

  it('may stand beside another one, for rotation', async () => {
    const { desk, assertion } = await certificateDesk();
    const next = certificateFor(otherKeys, new Date('2028-01-01T00:00:00Z'));
    await desk.emulator.control.addApplicationCertificate(next);
    const parts = { key: otherKeys.privateKey, header: { x5t: x5t(next, 'sha1') } };
    assert.equal(await signInWithAssertion(desk, assertion(parts)), 'accepted');
    assert.equal(await signInWithAssertion(desk, assertion()), 'accepted');
  });

  it('is named in the refusal by its thumbprint', async () => {
    const { desk, assertion } = await certificateDesk();
    const thumbprint = 'AB'.repeat(20);
    const overrides = {
      client_secret: '',
      client_assertion_type: jwtBearer,
      client_assertion: assertion({ header: { x5t: Buffer.from(thumbprint, 'hex').toString('base64url') } }),
    };
    const body = await json(await desk.tokenResponse(overrides));
    assert.match(String(body['error_description']), new RegExp(`^AADSTS700027: .*'${thumbprint}'`, 'u'));
  });

  it('needs the right type of assertion in the form', async () => {
    const { desk, assertion } = await certificateDesk();
    assert.deepEqual(await signInWithAssertion(desk, assertion(), { client_assertion_type: '' }), [400, 900_144]);
    assert.deepEqual(await signInWithAssertion(desk, assertion(), { client_assertion_type: 'saml' }), [400, 90_023]);
  });

  it('makes the client id in the form unnecessary', async () => {
    const { desk, assertion } = await certificateDesk();
    assert.equal(await signInWithAssertion(desk, assertion(), { client_id: '' }), 'accepted');
  });

  for (const text of ['a.b', 'a.b.c', 'e30.e30.', '..', 'x'.repeat(40_000)]) {
    it(`is refused as ${text.slice(0, 10)} with AADSTS50027`, async () => {
      assert.deepEqual(await signInWithAssertion(createDesk(), text), [401, 50_027]);
    });
  }

  for (const [name, pem] of [
    ['something else', 'no PEM'],
    ['a certificate with an EC key', certificateFor(ecKeys, new Date('2027-01-01T00:00:00Z'))],
  ] as const) {
    it(`cannot be ${name}`, async () => {
      await assert.rejects(createDesk().emulator.control.addApplicationCertificate(pem), { code: 'emulator.invalid' });
    });
  }
});

describe('a federated credential', () => {
  const issuer = 'https://token.actions.example';
  const claims = { iss: issuer, sub: 'system:serviceaccount:pki:scep', aud: 'api://AzureADTokenExchange' };

  async function federatedDesk(keys: {
    publicKeyPem?: string;
    jwks?: { keys: Record<string, unknown>[] };
  }): Promise<Desk> {
    const desk = createDesk();
    await desk.emulator.control.setFederatedCredential({ issuer, subject: claims.sub, ...keys });
    return desk;
  }

  it('lets a token of that issuer stand for the application', async () => {
    const desk = await federatedDesk({ publicKeyPem: applicationPublicKey });
    assert.equal(await signInWithAssertion(desk, signAssertion({ claims })), 'accepted');
  });

  it('takes a token whose header names its issuer’s certificate, as Entra’s own do', async () => {
    const desk = await federatedDesk({ publicKeyPem: applicationPublicKey });
    const header = { x5t: x5t(applicationCertificate, 'sha1') };
    assert.equal(await signInWithAssertion(desk, signAssertion({ claims, header })), 'accepted');
    assert.deepEqual(
      await signInWithAssertion(desk, signAssertion({ claims, header, key: otherKeys.privateKey })),
      [401, 50_013],
    );
  });

  it('takes ECDSA, and the key of a key set that the token names', async () => {
    const key = { ...ecKeys.publicKey.export({ format: 'jwk' }), kid: 'k2' };
    const other = { ...otherKeys.publicKey.export({ format: 'jwk' }), kid: 'k1' };
    const desk = await federatedDesk({ jwks: { keys: [other, key] } });
    const parts = { claims, algorithm: 'ES256', key: ecKeys.privateKey } as const;
    assert.equal(await signInWithAssertion(desk, signAssertion({ ...parts, header: { kid: 'k2' } })), 'accepted');
    assert.deepEqual(
      await signInWithAssertion(desk, signAssertion({ ...parts, header: { kid: 'k1' } })),
      [401, 50_013],
    );
  });

  const time = Date.parse('2026-03-01T12:00:00Z') / 1000;
  for (const [name, parts, number] of [
    ['another issuer', { claims: { ...claims, iss: 'https://other.example' } }, 700_211],
    ['an issuer with a final slash', { claims: { ...claims, iss: `${issuer}/` } }, 700_211],
    ['another subject', { claims: { ...claims, sub: 'System:serviceaccount:pki:scep' } }, 700_213],
    ['another audience', { claims: { ...claims, aud: 'api://other' } }, 700_212],
    ['two audiences', { claims: { ...claims, aud: [claims.aud, 'b'] } }, 700_212],
    ['a signature by another key', { claims, key: otherKeys.privateKey }, 50_013],
    ['no signature', { claims, header: { alg: 'none' } }, 50_013],
    ['an end ten minutes ago', { claims: { ...claims, exp: time - 600 } }, 700_024],
  ] as const) {
    it(`is refused with ${name}: AADSTS${number}`, async () => {
      const desk = await federatedDesk({ publicKeyPem: applicationPublicKey });
      assert.deepEqual(await signInWithAssertion(desk, signAssertion(parts)), [401, number]);
    });
  }

  it('is replaced for the same issuer and subject, and can be removed', async () => {
    const desk = await federatedDesk({ publicKeyPem: ecPublicKey });
    const { control } = desk.emulator;
    const { id } = await control.setFederatedCredential({
      issuer,
      subject: claims.sub,
      publicKeyPem: applicationPublicKey,
    });
    assert.equal((await control.federatedCredentials()).length, 1);
    assert.equal(await signInWithAssertion(desk, signAssertion({ claims })), 'accepted');
    await control.removeFederatedCredential(id);
    assert.deepEqual(await signInWithAssertion(desk, signAssertion({ claims })), [401, 700_211]);
  });

  for (const [name, keys] of [
    ['no key', {}],
    ['a key twice', { publicKeyPem: ecPublicKey, jwks: { keys: [{ kty: 'EC' }] } }],
    ['a key that is none', { publicKeyPem: 'key' }],
    ['a key set that is none', { jwks: { keys: [{ kty: 'EC' }] } }],
  ] as const) {
    it(`cannot have ${name}`, async () => {
      const input = { issuer, subject: 's', ...keys } as Parameters<
        Desk['emulator']['control']['setFederatedCredential']
      >[0];
      await assert.rejects(createDesk().emulator.control.setFederatedCredential(input), { code: 'emulator.invalid' });
    });
  }
});

describe('the token', () => {
  it('says what its holder has signed in with', async () => {
    const desk = createDesk();
    const { tenantId, clientId } = await desk.emulator.control.connection();
    await desk.emulator.control.addApplicationCertificate(applicationCertificate);
    const assertion = signAssertion({
      header: { x5t: x5t(applicationCertificate, 'sha1') },
      claims: { iss: clientId, sub: clientId, aud: `${origin}/${tenantId}/v2.0` },
    });
    const strengthOf = async (form: Record<string, string>) => {
      const [, claims = ''] = (await desk.token(intuneScope, form)).split('.');
      return (JSON.parse(Buffer.from(claims, 'base64url').toString()) as { appidacr: string }).appidacr;
    };
    assert.equal(await strengthOf({}), '1');
    assert.equal(await strengthOf({ client_assertion: assertion, client_assertion_type: jwtBearer }), '2');
  });
});
