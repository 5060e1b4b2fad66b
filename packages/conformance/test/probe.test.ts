import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { der } from '@scepter/x509';
import { catalogue, probe, ProbeError } from '../src/index.ts';
import { runProbe, told } from './run-probe.ts';
import { rightChallenge } from './small-behaviour.ts';
import { startSmallServer } from './small-server.ts';

const stateOf = (results: Awaited<ReturnType<typeof runProbe>>['results'], id: string): string =>
  results
    .filter((result) => result.id === id)
    .map(told)
    .join();

describe('probe', () => {
  it('fails nothing of an honest server, whatever it is asked with', async (test) => {
    const server = await startSmallServer();
    test.after(() => server.close());
    for (const algorithms of ['modern', 'compatible'] as const) {
      const abuse = algorithms === 'modern';
      const { conforms, results } = await runProbe(server.url, { abuse, algorithms });
      assert.deepEqual(results.filter(({ state }) => state === 'fail' || state === 'inconclusive').map(told), []);
      assert.equal(conforms, true);
    }
  });

  it('sends nothing hostile unless it is told to', async (test) => {
    const server = await startSmallServer();
    test.after(() => server.close());
    const { results } = await runProbe(server.url, { only: ['abuse', 'caps.answer'] });
    assert.deepEqual(results.map(told).length, 1);
  });

  it('gets no certificate without a challenge, and says what it would need', async (test) => {
    const server = await startSmallServer();
    test.after(() => server.close());
    const { results } = await runProbe(server.url, { challenge: { kind: 'none' } });
    assert.equal(server.issued, 0);
    assert.deepEqual(
      results
        .filter(({ state }) => state === 'fail' || state === 'inconclusive')
        .filter(({ id }) => id !== 'message.bad-signature')
        .map(told),
      [],
    );
    assert.equal(stateOf(results, 'enroll.success'), 'not-applicable enroll.success: needs a challenge');
  });

  it('spends a one-time challenge on one certificate', async (test) => {
    const server = await startSmallServer({ oneTime: true });
    test.after(() => server.close());
    const { results } = await runProbe(server.url, { challenge: { kind: 'one-time', challenge: 'once-1' } });
    assert.match(stateOf(results, 'enroll.success'), /^pass/);
    assert.match(stateOf(results, 'enroll.challenge-reuse'), /^pass enroll.challenge-reuse: FAILURE badRequest/);
    assert.match(stateOf(results, 'enroll.aes-256'), /^not-applicable enroll.aes-256: needs one more challenge/);
    assert.deepEqual(results.filter(({ state }) => state === 'fail').map(told), []);
  });

  it('fetches a fresh challenge for every certificate', async (test) => {
    const server = await startSmallServer({ oneTime: true });
    test.after(() => server.close());
    let minted = 0;
    const next = async (): Promise<string> => {
      minted += 1;
      return `once-${minted}`;
    };
    const only = ['enrollment', 'renewal', 'clients', 'abuse.challenge-parallel'];
    const { results } = await runProbe(server.url, { challenge: { kind: 'fresh', next }, abuse: true, only });
    assert.deepEqual(results.filter(({ state }) => state === 'fail').map(told), []);
    assert.match(stateOf(results, 'abuse.challenge-parallel'), /^pass .*: 1 certificates of 10 requests$/);
  });

  it('polls a request that is pending until it is approved', async (test) => {
    const server = await startSmallServer({ pendingPolls: 3 });
    test.after(() => server.close());
    const only = ['poll', 'enroll.success'];
    const { results } = await runProbe(server.url, { challenge: { kind: 'none' }, pendingSeconds: 5, only });
    assert.match(stateOf(results, 'enroll.success'), /^pass/);
    assert.match(stateOf(results, 'poll.decided'), /^pass poll.decided: (PENDING|SUCCESS), then SUCCESS/);
  });

  it('gives the challenge to no other CA than the one with the fingerprint', async (test) => {
    const server = await startSmallServer();
    test.after(() => server.close());
    const only = ['enroll.success', 'ca.fingerprint'];
    const other = await runProbe(server.url, { caFingerprint: 'A'.repeat(64), only });
    assert.match(stateOf(other.results, 'enroll.success'), /^inconclusive enroll.success: this is not the CA/);
    assert.equal(server.issued, 0);
    const caFingerprint = /[0-9A-F]{64}$/.exec(stateOf(other.results, 'ca.fingerprint'))?.[0] ?? '';
    const right = await runProbe(server.url, { caFingerprint, only });
    assert.deepEqual(
      right.results.map(({ state }) => state),
      ['pass', 'pass'],
    );
  });

  it('leaves the challenge out of everything that it reports', async (test) => {
    const server = await startSmallServer();
    test.after(() => server.close());
    const only = ['enrollment', 'renewal', 'clients', 'abuse.challenge-forms', 'abuse.csr-sid'];
    const report = await runProbe(server.url, { abuse: true, only });
    assert.doesNotMatch(JSON.stringify(report), new RegExp(rightChallenge));
  });

  it('shows no challenge that a server quotes, and no more than a screen of what it says', async (test) => {
    const text = der.utf8String(`Wrong: ${rightChallenge}`);
    const server = await startSmallServer({
      capabilities: 'long '.repeat(100_000),
      refuse: ({ type }) => (type === '19' ? '2' : undefined),
      reply: (options) => ({
        ...options,
        attributes: [...options.attributes, { type: '1.3.6.1.5.5.7.24.1', values: [text] }],
      }),
    });
    test.after(() => server.close());
    const report = await runProbe(server.url, { only: ['caps.answer', 'enroll.success'] });
    assert.doesNotMatch(JSON.stringify(report), new RegExp(rightChallenge));
    assert.match(stateOf(report.results, 'enroll.success'), /badRequest \(Wrong: \(the challenge\)\)$/);
    for (const { saw } of report.results) assert.ok(saw.length <= 2_001);
  });

  it('uses a subject as it is given, with a number in the place of {n}', async (test) => {
    const names: string[] = [];
    const server = await startSmallServer({
      certificate: (fields, csr) => {
        names.push(
          csr.subject.rdns
            .flat()
            .map(({ value }) => value)
            .join(),
        );
        return fields;
      },
    });
    test.after(() => server.close());
    await runProbe(server.url, { subject: 'CN=unit-{n}', only: ['enroll.success', 'enroll.aes-256'] });
    assert.equal(names.length, 2);
    assert.notEqual(names[0], names[1]);
    for (const name of names) assert.match(name, /^unit-[0-9a-f]{6}-\d+$/);
  });

  const wrong = [
    ['an address of another kind', { url: 'ftp://ca.example/scep' }],
    ['a check that does not exist', { only: ['http.nothing'] }],
    ['a subject that is no name', { subject: 'no name' }],
  ] as const;
  for (const [name, options] of wrong) {
    it(`refuses ${name} before anything is sent`, async () => {
      await assert.rejects(
        probe({ url: 'http://127.0.0.1:1/', now: () => new Date(), randomBytes: () => new Uint8Array(), ...options }),
        (error) => error instanceof ProbeError && error.code === 'probe.bad_option',
      );
    });
  }

  it('stops when it is interrupted', async (test) => {
    const server = await startSmallServer();
    test.after(() => server.close());
    const stop = new AbortController();
    const seen: string[] = [];
    const onResult = ({ id }: { readonly id: string }): void => {
      seen.push(id);
      stop.abort();
    };
    await assert.rejects(
      runProbe(server.url, { signal: stop.signal, onResult }),
      (error) => error instanceof ProbeError && error.code === 'probe.aborted',
    );
    assert.equal(seen.length, 1);
  });
});

describe('the catalogue', () => {
  const checks = catalogue.flatMap((group) => group.checks);

  it('gives every check an id of its own', () => {
    assert.equal(new Set(checks.map(({ id }) => id)).size, checks.length);
    for (const { id } of checks) assert.match(id, /^[a-z]+\.[a-z0-9-]+$/);
  });

  it('calls nothing a MUST that no RFC says', () => {
    const baseless = checks.filter(({ level, section }) => level !== 'practice' && !/\d/.test(section));
    assert.deepEqual(
      baseless.map(({ id }) => id),
      [],
    );
  });

  it('says of every check what is expected and what to do', () => {
    for (const { expected, hint, title } of checks) {
      assert.ok(expected !== '' && title.length > 10 && title.length < 100, title);
      assert.match(hint, /[.:)]$/);
    }
  });
});
