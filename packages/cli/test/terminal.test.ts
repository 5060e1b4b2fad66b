import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  createTerminal,
  displayWidth,
  escapeControls,
  quoteForShell,
  truncate,
  wrap,
  wrapCommand,
} from '../src/terminal.ts';
import type { Terminal } from '../src/terminal.ts';

function record(
  stream: { isTTY?: boolean; columns?: number } = {},
  environment: Record<string, string> = {},
): { terminal: Terminal; lines: () => string[] } {
  let text = '';
  const terminal = createTerminal({ ...stream, write: (part) => (text += part) }, environment);
  return { terminal, lines: () => text.split('\n').slice(0, -1) };
}

describe('colours', () => {
  const rows: { name: string; stream: { isTTY?: boolean }; environment: Record<string, string>; coloured: boolean }[] =
    [
      { name: 'on a terminal', stream: { isTTY: true }, environment: {}, coloured: true },
      { name: 'not in a pipe', stream: {}, environment: {}, coloured: false },
      { name: 'not with NO_COLOR', stream: { isTTY: true }, environment: { NO_COLOR: '1' }, coloured: false },
      { name: 'with an empty NO_COLOR', stream: { isTTY: true }, environment: { NO_COLOR: '' }, coloured: true },
      { name: 'not on a dumb terminal', stream: { isTTY: true }, environment: { TERM: 'dumb' }, coloured: false },
    ];
  for (const { name, stream, environment, coloured } of rows) {
    it(name, () => {
      const { terminal, lines } = record(stream, environment);
      terminal.text('refused', { tone: 'bad' });
      assert.deepEqual(lines(), [coloured ? '\u001B[31mrefused\u001B[39m' : 'refused']);
    });
  }
});

describe('width', () => {
  for (const [columns, width] of [
    [undefined, 80],
    [0, 80],
    [200, 80],
    [60, 60],
    [10, 40],
  ] as const) {
    it(`${columns ?? 'unknown'} columns are used as ${width}`, () => {
      assert.equal(record(columns === undefined ? {} : { columns }).terminal.width, width);
    });
  }

  it('no line of text is longer, whatever the text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 400 }),
        fc.nat(10),
        fc.nat(10),
        (content, indent, hanging) => {
          const { terminal, lines } = record();
          terminal.text(content, { indent, hanging });
          for (const line of lines()) assert.ok(displayWidth(line) <= 80, line);
        },
      ),
    );
  });

  it('no row is longer, whatever is in its cells', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 120 }), { maxLength: 6 }), (texts) => {
        const { terminal, lines } = record();
        terminal.row(texts.map((text, index) => (index % 2 === 0 ? { text, width: 18 } : { text })));
        assert.equal(lines().length, 1);
        for (const line of lines()) assert.ok(displayWidth(line) <= 80, line);
      }),
    );
  });

  it('East Asian characters count two columns, combining ones none', () => {
    assert.equal(displayWidth('証明書'), 6);
    assert.equal(displayWidth('e\u0301'), 1);
    assert.equal(truncate('証明書', 4), '証…');
  });
});

describe('text', () => {
  it('is wrapped between words, later lines further in', () => {
    assert.deepEqual(wrap('one two three four', 12, 2, 2), ['  one two', '    three', '    four']);
  });

  it('breaks a word only when a line is too short for it', () => {
    assert.deepEqual(wrap(`x ${'y'.repeat(12)} z`, 8, 0, 0), ['x', 'yyyyyyyy', 'yyyy z']);
  });

  it('of somebody else cannot command the terminal', () => {
    assert.equal(escapeControls('a\u001B[31mb\nc\u009Bd'), String.raw`a\x1b[31mb\x0ac\x9bd`);
    assert.equal(escapeControls('safe\u202Egpj.exe'), String.raw`safe\u{202e}gpj.exe`);
    assert.equal(escapeControls('Zoë 証明書'), 'Zoë 証明書');
  });

  it('holds no control character after escaping', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (content) => {
        assert.doesNotMatch(escapeControls(content), /[\p{Cc}\p{Cs}\u202A-\u202E\u2066-\u2069]/u);
      }),
    );
  });
});

describe('rows', () => {
  it('end where their text ends, in colours too', () => {
    const { terminal, lines } = record({ isTTY: true });
    terminal.row([
      { text: 'title', width: 10 },
      { text: '', width: 9, align: 'right', tone: 'quiet' },
    ]);
    assert.deepEqual(lines(), ['title']);
  });

  it('align their cells and cut what does not fit', () => {
    const { terminal, lines } = record();
    terminal.row([
      { text: 'a long platform name', width: 8 },
      { text: '12 ms', width: 7, align: 'right' },
      { text: 'x' },
    ]);
    assert.deepEqual(lines(), ['a long …    12 ms  x']);
  });
});

describe('commands', () => {
  it('go on in the next line behind a backslash', () => {
    assert.deepEqual(wrapCommand(['scepter enroll', '--url http://a', '--subject CN=x'], 26, 2), [
      '  scepter enroll \\',
      '    --url http://a \\',
      '    --subject CN=x',
    ]);
  });

  it('quote what a shell would take apart', () => {
    assert.equal(quoteForShell('CN=printer-7'), 'CN=printer-7');
    assert.equal(quoteForShell("O'Neill, Ann"), String.raw`'O'\''Neill, Ann'`);
    assert.equal(quoteForShell(''), "''");
  });
});
