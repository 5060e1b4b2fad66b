import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { displayWidth } from '../src/terminal.ts';
import { scepterHere } from './run-here.ts';

const challengeAndRequest = [
  ['challenge'],
  ...['create', 'list', 'revoke', 'hash'].map((command) => ['challenge', command]),
  ['request'],
  ...['list', 'show', 'approve', 'deny'].map((command) => ['request', command]),
];
const authority = [['authority'], ...['status', 'stage', 'activate'].map((command) => ['authority', command])];
const everyCommand = [
  [],
  ['demo'],
  ['serve'],
  ['init'],
  ['check'],
  ...challengeAndRequest,
  ...authority,
  ['enroll'],
  ['emulate'],
  ['emulate', 'challenge'],
];

describe('--help', () => {
  for (const command of everyCommand) {
    it(`of ${['scepter', ...command].join(' ')} says what it does and shows examples, in 80 columns`, async () => {
      const { code, stdout, stderr } = await scepterHere([...command, '--help']);
      assert.equal(code, 0);
      assert.equal(stderr, '');
      assert.match(stdout, new RegExp(`^Usage: ${['scepter', ...command].join(' ')} `));
      assert.match(stdout, command.length === 0 ? /Start here:/ : /Examples:/);
      for (const line of stdout.split('\n')) assert.ok(displayWidth(line) <= 80, line);
    });
  }

  it('prefers the file to the command line for a challenge', async () => {
    const { stdout } = await scepterHere(['enroll', '--help']);
    assert.match(
      stdout,
      /--challenge-file <path> +file with the challenge password; - reads\s+standard input \(preferred\)/,
    );
    assert.match(stdout, /--challenge <text> +challenge password; other users can see it\s+in the process list/);
  });
});

describe('an error', () => {
  const rows: { name: string; environment: Record<string, string>; red: boolean }[] = [
    { name: 'is red on a terminal', environment: {}, red: true },
    { name: 'is not with NO_COLOR', environment: { NO_COLOR: '1' }, red: false },
  ];
  for (const { name, environment, red } of rows) {
    it(name, async () => {
      const { stderr } = await scepterHere(['serve', '--config', 'none'], { isTTY: true, environment });
      assert.equal(stderr.startsWith('\u001B[31mscepter: '), red);
    });
  }

  it('shows control characters of the command line as text', async () => {
    const { stderr } = await scepterHere(['enroll', '--url', 'http://a', '--subject', 'CN=a', '--san', '\u001B[2Jx']);
    assert.equal(stderr.includes('\u001B'), false);
  });
});

describe('a wrong command line', () => {
  const rows: { name: string; words: string[]; message: RegExp }[] = [
    {
      name: 'an unknown command',
      words: ['demno'],
      message: /^scepter: unknown command 'demno'.*\(Did you mean demo\?\)/,
    },
    { name: 'an unknown option', words: ['demo', '--prot', '1'], message: /^scepter: unknown option '--prot'/ },
    {
      name: 'a missing option',
      words: ['serve'],
      message: /^scepter: required option '--config <file>' not specified/,
    },
    { name: 'a port that is none', words: ['demo', '--scep-port', '65536'], message: /0 to 65535/ },
    {
      name: 'one port for two parts',
      words: ['demo', '--scep-port', '9000', '--control-port', '9000'],
      message: /^scepter: Two options name port 9000\./,
    },
    { name: 'no subject', words: ['enroll', '--url', 'http://a'], message: /^scepter: A subject is needed\./ },
    {
      name: 'a URL that is none',
      words: ['enroll', '--url', 'ftp://a', '--subject', 'CN=a'],
      message: /not an http or https URL/,
    },
    {
      name: 'an alternative name without its kind',
      words: ['enroll', '--url', 'http://a', '--subject', 'CN=a', '--san', 'a.example'],
      message: /not an alternative name/,
    },
    {
      name: 'a subject that is none',
      words: ['enroll', '--url', 'http://a', '--subject', 'anna'],
      message: /not a subject name/,
    },
    {
      name: 'a short fingerprint',
      words: ['enroll', '--url', 'http://a', '--subject', 'CN=a', '--ca-fingerprint', 'abcd'],
      message: /not a SHA-256 fingerprint/,
    },
    {
      name: 'a renewal without its key',
      words: ['enroll', '--url', 'http://a', '--renew', 'a.pem'],
      message: /--renew takes two files/,
    },
    {
      name: 'no challenges',
      words: ['emulate', 'challenge', '--subject', 'CN=a', '--count', '0'],
      message: /1 to 1000/,
    },
  ];
  for (const { name, words, message } of rows) {
    it(`with ${name} ends with 2, a sentence and a hint`, async () => {
      const { code, stdout, stderr } = await scepterHere(words);
      assert.equal(code, 2, stderr);
      assert.equal(stdout, '');
      assert.match(stderr.replaceAll(/\n\s*/g, ' '), message);
      assert.doesNotMatch(stderr, /\n\s+at /, 'no stack trace');
    });
  }

  it('shows the way without any command', async () => {
    const { code, stderr } = await scepterHere([]);
    assert.equal(code, 2);
    assert.match(stderr, /Usage: scepter /);
  });
});
