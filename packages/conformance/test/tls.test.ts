import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import {
  assembleCertificate,
  encodePem,
  encodeTbsCertificate,
  parseName,
  publicKeyInfoOf,
  signData,
  subjectAltNameExtension,
} from '@scepter/x509';
import { ProbeError } from '../src/index.ts';
import { runProbe, told } from './run-probe.ts';
import { fieldsFor, newKeys } from './small-authority.ts';
import { startSmallServer } from './small-server.ts';
import type { Behaviour } from './small-behaviour.ts';

let tls: NonNullable<Behaviour['tls']>;
let tlsCa: string;

before(() => {
  const { privateKey, publicKey } = newKeys();
  const names = subjectAltNameExtension([{ kind: 'ip', value: '127.0.0.1' }]);
  const fields = {
    ...fieldsFor('CN=127.0.0.1', publicKeyInfoOf(publicKey).encoded, [names]),
    issuer: parseName('CN=127.0.0.1'),
  };
  const tbs = encodeTbsCertificate(fields);
  tlsCa = encodePem(
    'CERTIFICATE',
    assembleCertificate(tbs, fields.signatureAlgorithm, signData(privateKey, 'sha256', tbs)),
  );
  tls = { key: privateKey.export({ format: 'pem', type: 'pkcs8' }), cert: tlsCa };
});

describe('https', () => {
  it('is spoken with the CA that is given, also for raw connections', async (test) => {
    const server = await startSmallServer({ tls });
    test.after(() => server.close());
    const only = ['http', 'clients.tls-1-2', 'clients.cisco-http-1-0'];
    const { results } = await runProbe(server.url, { tlsCa, only });
    assert.deepEqual(results.filter(({ state }) => state !== 'pass').map(told), []);
  });

  it('is not spoken with a CA that is not trusted', async (test) => {
    const server = await startSmallServer({ tls });
    test.after(() => server.close());
    await assert.rejects(
      runProbe(server.url),
      (error) => error instanceof ProbeError && error.code === 'probe.unreachable' && /SELF_SIGNED/.test(error.message),
    );
  });

  it('clients.tls-1-2 notices a server that wants TLS 1.3', async (test) => {
    const server = await startSmallServer({ tls: { ...tls, minVersion: 'TLSv1.3' } });
    test.after(() => server.close());
    const { results } = await runProbe(server.url, { tlsCa, only: ['clients.tls-1-2'] });
    assert.deepEqual(
      results.map(({ state }) => state),
      ['fail'],
    );
  });
});
