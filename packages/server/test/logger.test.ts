import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLogger } from '../src/logger.ts';
import type { LogEvent, LoggerOptions } from '../src/logger.ts';

const now = (): Date => new Date(2026, 2, 1, 9, 5, 7);

function record(
  options: Partial<LoggerOptions> & { pretty: boolean },
  event: LogEvent,
  severity: 'info' | 'error' = 'info',
) {
  const lines: string[] = [];
  const destination = { write: (line: string) => lines.push(line), columns: 80 };
  createLogger({ destination, level: 'info', now, ...options })[severity](event);
  return lines.join('');
}

const full: Required<LogEvent> = {
  message: '7 issue',
  endpoint: 'intune',
  transactionId: 'ABCDEF',
  activityId: 'activity',
  step: 'issue',
  outcome: 'done',
  durationMs: 12.3456,
  reason: 'a reason',
  detail: 'what Intune said',
  serialNumber: '01AB',
  subject: 'CN=device',
  connection: 'contoso',
  attempt: 2,
  actor: 'mdm',
  target: 'challenge 7',
  address: '127.0.0.1',
  errorCode: 'policy.key',
};

describe('createLogger: JSON', () => {
  it('writes one line with every field', () => {
    const line = record({ pretty: false }, full);
    assert.ok(line.endsWith('}\n'));
    assert.deepEqual(JSON.parse(line), { ...full, durationMs: 12.3, level: 'info', time: now().toISOString() });
  });

  it('leaves out what is absent', () => {
    assert.deepEqual(Object.keys(JSON.parse(record({ pretty: false }, { message: 'x' }))), [
      'level',
      'time',
      'message',
    ]);
  });
});

describe('createLogger: readable', () => {
  it('writes local time, transaction, message, outcome and duration first', () => {
    const line = record({ pretty: true }, full);
    assert.match(
      line,
      /^09:05:07 {3}intune {2}ABCDEF {2}7 issue {2}done {2}12\.3 ms {2}policy\.key {2}reason=a reason/,
    );
  });

  it('names a step that the message does not', () => {
    assert.match(record({ pretty: true }, { message: 'hello', step: 'issue' }), /^09:05:07 {3}issue {2}hello\n$/);
  });

  it('shortens a long transaction id', () => {
    const line = record({ pretty: true }, { message: 'm', endpoint: 'intune', transactionId: 'A'.repeat(64) });
    assert.equal(line, '09:05:07   intune  AAAAAAAA…  m\n');
  });

  it('marks warnings and errors', () => {
    assert.match(record({ pretty: true }, { message: 'm' }, 'error'), /^09:05:07 x m\n$/);
  });

  for (const columns of [40, 80, 200, undefined]) {
    it(`stays on one line of a terminal with ${columns ?? 'an unknown number of'} columns`, () => {
      const lines: string[] = [];
      const destination = { write: (line: string) => lines.push(line), columns };
      createLogger({ destination, pretty: true, level: 'info', now }).info({
        ...full,
        subject: `CN=${'😀'.repeat(300)}`,
      });
      const [line = ''] = lines;
      assert.equal(lines.length, 1);
      assert.ok(line.endsWith('…\n'), line);
      assert.ok(line.length - 1 < (columns ?? 80), `${line.length}`);
      assert.ok(line.isWellFormed());
    });
  }
});

for (const pretty of [false, true]) {
  describe(`createLogger: ${pretty ? 'readable' : 'JSON'}, what must not get in`, () => {
    const columns = 4000;
    const options = (lines: string[]) => ({
      pretty,
      level: 'info' as const,
      now,
      destination: { write: (line: string) => lines.push(line), columns },
    });

    it('writes no field that is not in the list, and none that is not plain text', () => {
      const lines: string[] = [];
      const logger = createLogger(options(lines));
      const secrets = {
        challenge: 'CANARY-1',
        clientSecret: 'CANARY-2',
        privateKey: '-----BEGIN CANARY-3',
        err: new Error('CANARY-4'),
      };
      for (const severity of ['info', 'warn', 'error'] as const) {
        logger[severity]({ message: 'm', ...secrets });
        logger[severity]({
          message: 'm',
          reason: secrets,
          subject: ['CANARY-5'],
          attempt: 'CANARY-6',
        } as unknown as LogEvent);
        logger[severity]({ message: new Error('CANARY-7') } as unknown as LogEvent);
        logger[severity](Object.assign(new Error('CANARY-8', { cause: secrets }), { message: 'm' }));
      }
      assert.equal(lines.length, 12);
      assert.ok(!lines.join('').includes('CANARY'), lines.join(''));
    });

    const characters: [name: string, text: string, escaped: string][] = [
      ['a line end', 'a\r\nb', '\\u{d}\\u{a}'],
      ['ANSI', '\u001b[2J', '\\u{1b}[2J'],
      ['C1 control characters', '\u009b2J', '\\u{9b}2J'],
      ['DEL', '\u007f', '\\u{7f}'],
      ['NUL', '\u0000', '\\u{0}'],
      ['line separators', '\u2028', '\\u{2028}'],
      ['right-to-left override', '\u202e', '\\u{202e}'],
      ['half of a character', '\ud800', '\\u{d800}'],
    ];
    for (const [name, text, escaped] of characters) {
      it(`escapes ${name} in every text`, () => {
        for (const field of ['message', 'subject', 'errorCode', 'reason'] as const) {
          const lines: string[] = [];
          createLogger(options(lines)).info({ message: 'm', [field]: `CN=${text}` });
          const line = lines.join('').slice(0, -1);
          assert.doesNotMatch(line, /[\p{Cc}\p{Cs}\u2028\u2029\u202e]/u);
          const value = pretty ? line : String(JSON.parse(line)[field]);
          assert.ok(value.includes(`CN=${text.startsWith('a') ? 'a' : ''}${escaped}`), value);
        }
      });
    }

    it('shortens texts without end', () => {
      const lines: string[] = [];
      createLogger(options(lines)).info({ message: 'm', subject: 'x'.repeat(100_000) });
      assert.ok(lines.join('').length < 1200);
      assert.ok(lines.join('').includes('x…'));
    });

    for (const [level, expected] of [
      ['info', 3],
      ['warn', 2],
      ['error', 1],
      ['silent', 0],
    ] as const) {
      it(`writes ${expected} of info, warn and error at level ${level}`, () => {
        const lines: string[] = [];
        const logger = createLogger({ ...options(lines), level });
        logger.info({ message: 'm' });
        logger.warn({ message: 'm' });
        logger.error({ message: 'm' });
        assert.equal(lines.length, expected);
      });
    }
  });
}
