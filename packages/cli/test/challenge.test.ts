import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { displayWidth } from '../src/terminal.ts';
import { scepterHere, startHere, waitHere } from './run-here.ts';
import type { RunningHere } from './run-here.ts';
import { startScepter, temporaryFolder, waitForOutput } from './run-scepter.ts';

const configuration = {
  listen: { port: 0 },
  publicUrl: 'http://127.0.0.1:1',
  dataFolder: 'data',
  authority: { organization: 'Example' },
  endpoints: {
    printers: { authorizer: { kind: 'one-time-challenge' } },
    laptops: { authorizer: { kind: 'static-challenge' } },
    routers: { authorizer: { kind: 'manual' } },
  },
};

let folder: string;
let url: string;
let server: RunningHere;
const stop = new AbortController();
const cleanups: (() => unknown)[] = [];

before(async () => {
  const context = { after: (cleanup: () => unknown) => cleanups.push(cleanup) };
  folder = await temporaryFolder(context);
  await writeFile(join(folder, 'scepter.json'), JSON.stringify(configuration));
  server = startHere(['serve', '--config', 'scepter.json'], { folder, interruption: stop.signal });
  await waitHere(server, 'Listening');
  url = /http:\/\/127\.0\.0\.1:\d+/.exec(server.output())?.[0] ?? '';
});
after(async () => {
  stop.abort();
  await server.ended;
  for (const cleanup of cleanups) await cleanup();
});

const here = (words: string, options: { isTTY?: boolean; stdin?: string } = {}) =>
  scepterHere(
    words.split(' ').map((word) => word.replaceAll('_', ' ')),
    { folder, ...options },
  );

const oneLine = (text: string): string => text.replaceAll(/\n\s*/g, ' ').trim();

async function enroll(endpoint: string, subject: string, challenge: string, name: string) {
  const words = ['enroll', '--url', `${url}/scep/${endpoint}`, '--subject', subject, '--out', name];
  return scepterHere([...words, '--challenge-file', '-'], { folder, stdin: `${challenge}\n` });
}

describe('scepter challenge', () => {
  it('prints the challenge alone where no terminal is, and it enrolls one device', async () => {
    const created = await here('challenge create --endpoint printers');
    assert.deepEqual([created.code, created.stderr], [0, '']);
    assert.match(created.stdout, /^[A-Za-z0-9_-]{43}\n$/);
    const challenge = created.stdout.trim();
    const first = await enroll('printers', 'CN=printer-1', challenge, 'printer-1');
    assert.equal(first.code, 0, first.stderr);
    const second = await enroll('printers', 'CN=printer-2', challenge, 'printer-2');
    assert.equal(second.code, 1);
    const listed = await here('challenge list --endpoint printers');
    assert.match(listed.stdout, /^[0-9a-f]{16} {2}printers {6}1\/1 {6}used/m);
    assert.ok(!listed.stdout.includes(challenge));
  });

  it('tells a person at a terminal what it is good for, and how to make it useless', async () => {
    const { code, stdout } = await here(
      'challenge create --endpoint laptops --kind static --uses 30 --valid-for 7d --label rollout_in_Oslo',
      { isTTY: true },
    );
    assert.equal(code, 0);
    const plain = stripVTControlCharacters(stdout);
    assert.match(
      plain,
      /^[A-Za-z0-9_-]{43}\n\nGood for 30 certificates at laptops until \d{4}-\d\d-\d\d \d\d:\d\d\.\n/,
    );
    const id = /scepter challenge revoke ([0-9a-f]{16})\n$/.exec(plain)?.[1] ?? '';
    const revoked = await here(`challenge revoke ${id}`);
    assert.deepEqual([revoked.code, revoked.stdout], [0, `Challenge ${id} is revoked: it serves no other request.\n`]);
    const listed = await here('challenge list --endpoint laptops');
    const [head = '', row = ''] = listed.stdout.split('\n');
    assert.equal(head, 'ID                ENDPOINT      USES     STATE                LABEL OR SUBJECT');
    assert.equal(row, `${id}  laptops       0/30     revoked              rollout in Oslo`);
    for (const line of stdout.split('\n')) assert.ok(displayWidth(line) <= 80, line);
  });

  it('with --quiet is for scripts on a terminal, too', async () => {
    const { stdout } = await here('challenge create --endpoint printers --quiet', { isTTY: true });
    assert.match(stdout, /^[A-Za-z0-9_-]{43}\n$/);
  });

  it('binds to a name', async () => {
    const created = await here(
      'challenge create --endpoint printers --subject CN=printer-3 --san dns:printer-3.example --json',
    );
    const { challenge, subject, subjectAltNames } = JSON.parse(created.stdout) as Record<string, unknown>;
    assert.deepEqual([subject, subjectAltNames], ['CN=printer-3', ['DNS:printer-3.example']]);
    assert.equal((await enroll('printers', 'CN=administrator', String(challenge), 'stolen')).code, 1);
    assert.equal((await enroll('printers', 'CN=printer-3', String(challenge), 'printer-3')).code, 0);
    const { stdout } = await here('challenge list --json');
    const [newest] = JSON.parse(stdout) as Record<string, unknown>[];
    assert.deepEqual([newest?.['uses'], newest?.['createdBy'], 'challenge' in (newest ?? {})], [1, 'local', false]);
  });

  it('hashes a challenge of standard input, without a server', async () => {
    const { code, stdout, stderr } = await scepterHere(['challenge', 'hash'], {
      stdin: 'sixteen characters and more\n',
    });
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /^\$scrypt\$ln=15,r=8,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}\n$/);
    const short = await scepterHere(['challenge', 'hash'], { stdin: 'only twelve!' });
    assert.equal(short.code, 0);
    assert.match(short.stderr, /warning: under 16 characters/);
    assert.ok(!short.stderr.includes('only twelve!'));
  });

  const refused: { name: string; words: string; code: number; message: RegExp; stdin?: string }[] = [
    {
      name: 'an endpoint that is none',
      words: 'challenge create --endpoint prniters',
      code: 1,
      message: /^scepter: There is no endpoint "prniters"; those that take challenges: printers, laptops\.$/,
    },
    {
      name: 'an endpoint that takes none',
      words: 'challenge create --endpoint routers',
      code: 1,
      message: /its authorizer is "manual"\.$/,
    },
    {
      name: 'an id that is none',
      words: 'challenge revoke 17',
      code: 1,
      message: /^scepter: There is no challenge with this id\.$/,
    },
    {
      name: 'too long a time',
      words: 'challenge create --endpoint printers --valid-for 31d',
      code: 1,
      message: /valid for 30 days at most\.$/,
    },
    {
      name: 'a time without its unit',
      words: 'challenge create --endpoint printers --valid-for 30',
      code: 2,
      message: /minutes, hours or days: 30m, 12h, 7d/,
    },
    {
      name: 'a name without a subject',
      words: 'challenge create --endpoint printers --san DNS:a',
      code: 2,
      message: /--san needs --subject\. Hint: /,
    },
    {
      name: 'no endpoint',
      words: 'challenge create',
      code: 2,
      message: /required option '--endpoint <name>' not specified/,
    },
    {
      name: 'nothing to hash',
      words: 'challenge hash',
      code: 2,
      message: /Standard input is empty\. Hint: /,
      stdin: '\n',
    },
    {
      name: 'a configuration that is not there',
      words: 'challenge list --config none.json',
      code: 1,
      message: /There is no file \S+\/none\.json\. Hint: Say with --config which/,
    },
  ];
  for (const { name, words, code, message, stdin } of refused) {
    it(`says what is wrong with ${name}`, async () => {
      const answer = await here(words, stdin === undefined ? {} : { stdin });
      assert.equal(answer.code, code, answer.stderr);
      assert.equal(answer.stdout, '');
      assert.match(oneLine(answer.stderr), message);
      for (const line of answer.stderr.split('\n')) assert.ok(displayWidth(line) <= 80, line);
    });
  }
});

describe('scepter request', () => {
  it('lets a person approve a request that waits, after a look at it', async () => {
    await enroll('routers', 'CN=router-1', 'unasked', 'router-1');
    const listed = await here('request list');
    const id = /^(\d+) +pending {3}routers +\d{4}-\d\d-\d\d \d\d:\d\d {2}CN=router-1$/m.exec(listed.stdout)?.[1];
    assert.ok(id !== undefined, listed.stdout);
    const shown = await here(`request show ${id}`);
    assert.match(shown.stdout, /^Subject {5}CN=router-1\nKey {9}RSA 2048\nSHA-256 {5}[0-9a-f]{64}$/m);
    const approved = await here(`request approve ${id}`);
    assert.equal(approved.stdout, `Request ${id} is approved: CN=router-1\n`);
    const again = await here(`request deny ${id} --reason too_late`);
    assert.deepEqual([again.code, oneLine(again.stdout)], [0, `Request ${id} is denied: CN=router-1`]);
    const late = await here(`request approve ${id}`);
    assert.deepEqual([late.code, oneLine(late.stderr)], [1, `scepter: Request ${id} is denied already.`]);
    const json = await here('request list --state all --json');
    const [request] = JSON.parse(json.stdout) as Record<string, unknown>[];
    assert.deepEqual(
      [request?.['state'], request?.['decidedBy'], request?.['reason']],
      ['denied', 'local', 'too late'],
    );
    assert.equal((await here('request list')).stdout, 'There are none.\n');
  });

  it('knows what is no id', async () => {
    const { code, stderr } = await here('request approve CN=router-1');
    assert.equal(code, 2);
    assert.match(oneLine(stderr), /"CN=router-1" is not the id of a request\. Hint: /);
    const unknown = await here('request show 999');
    assert.match(oneLine(unknown.stderr), /^scepter: There is no request 999\.$/);
  });
});

describe('a server that cannot be administered', () => {
  async function folderWith(test: Parameters<typeof temporaryFolder>[0], record?: unknown): Promise<string> {
    const place = await temporaryFolder(test);
    await writeFile(join(place, 'scepter.json'), JSON.stringify(configuration));
    await mkdir(join(place, 'data'), { mode: 0o700 });
    const text = typeof record === 'string' ? record : JSON.stringify(record);
    if (record !== undefined) await writeFile(join(place, 'data', 'admin.json'), text);
    return place;
  }

  const closed = { url: 'http://127.0.0.1:1', token: 'x', processId: 4_000_000 };
  const rows: { name: string; record: unknown; message: RegExp }[] = [
    {
      name: 'does not run',
      record: undefined,
      message: /^scepter: No server runs on the data folder \S+\/data\. Hint: Start it with `scepter serve`/,
    },
    {
      name: 'was killed',
      record: closed,
      message: /The server that wrote \S+\/admin\.json does not run any more\. Hint: Start it/,
    },
    { name: 'has a damaged record', record: '{"url":', message: /admin\.json is damaged\. Hint: A restart/ },
  ];
  for (const { name, record, message } of rows) {
    it(`because it ${name} is told apart`, async (test) => {
      const place = await folderWith(test, record);
      const { code, stderr } = await scepterHere(['challenge', 'list'], { folder: place });
      assert.equal(code, 1);
      assert.match(oneLine(stderr), message);
      assert.ok(!stderr.includes('\n    at '));
    });
  }

  it('because it was killed is told apart for real, and a restart helps', async (test) => {
    const place = await folderWith(test);
    const doomed = startScepter(['serve', '--config', 'scepter.json'], { folder: place });
    await waitForOutput(doomed, /Listening/);
    assert.equal((await scepterHere(['challenge', 'list'], { folder: place })).code, 0);
    doomed.child.kill('SIGKILL');
    await doomed.ended;
    const { code, stderr } = await scepterHere(['challenge', 'list'], { folder: place });
    assert.equal(code, 1);
    assert.match(oneLine(stderr), /The server that wrote \S+\/admin\.json does not run any more\. Hint: Start it/);
    const stopRisen = new AbortController();
    const risen = startHere(['serve', '--config', 'scepter.json'], { folder: place, interruption: stopRisen.signal });
    await waitHere(risen, 'Listening');
    assert.equal((await scepterHere(['challenge', 'list'], { folder: place })).stdout, 'There are none.\n');
    stopRisen.abort();
    await risen.ended;
    const stopped = await scepterHere(['challenge', 'list'], { folder: place });
    assert.match(oneLine(stopped.stderr), /^scepter: No server runs on the data folder /);
  });

  it('because another one answers at its address is told apart', async (test) => {
    const { url: adminUrl } = JSON.parse(await readFile(join(folder, 'data', 'admin.json'), 'utf8')) as { url: string };
    const place = await folderWith(test, { ...closed, url: adminUrl });
    const { code, stderr } = await scepterHere(['request', 'list'], { folder: place });
    assert.equal(code, 1);
    assert.match(oneLine(stderr), /does not know the token in \S+\/admin\.json\. Hint: /);
  });

  it('because its folder belongs to another user is told apart', async (test) => {
    const place = await folderWith(test, closed);
    await chmod(place, 0o755);
    await chmod(join(place, 'data'), 0o755);
    await chmod(join(place, 'data', 'admin.json'), 0o000);
    const { stderr } = await asOrdinaryUser(() => scepterHere(['challenge', 'list'], { folder: place }));
    assert.match(oneLine(stderr), /must not be read by this user\. Hint: Run this as the user/);
  });
});

/** Root may read everything: as root, the work is done as nobody. */
async function asOrdinaryUser<T>(work: () => Promise<T>): Promise<T> {
  const root = 0;
  const nobody = 65_534;
  if (process.geteuid?.() !== root) return work();
  process.seteuid?.(nobody);
  try {
    return await work();
  } finally {
    process.seteuid?.(root);
  }
}
