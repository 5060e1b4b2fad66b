import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { countResults, reportToJson, reportToJunit } from '../src/index.ts';
import type { CheckResult, CheckState, ProbeReport } from '../src/index.ts';

const result = (id: string, state: CheckState, saw: string, level: CheckResult['level'] = 'MUST'): CheckResult => ({
  id,
  group: id.startsWith('caps') ? 'capabilities' : 'http',
  title: 'a title with <angles> & "quotes"',
  section: '4.1',
  level,
  expected: 'something else',
  hint: 'Do it.',
  state,
  saw,
  durationMs: 12.34,
});

const report: ProbeReport = {
  url: "http://ca.example/scep?a=1&b='2'",
  startedAt: new Date('2026-01-02T03:04:05Z'),
  durationMs: 1234.5,
  conforms: false,
  results: [
    result('http.post', 'pass', 'HTTP 200'),
    result('http.get', 'fail', 'control \u0000\u001B[31m\u0085 <b> ]]> \uFFFF \uD800 \n end'),
    result('caps.answer', 'not-applicable', 'not asked'),
    result('caps.case', 'inconclusive', 'busy', 'practice'),
  ],
};

describe('reportToJson', () => {
  it('has every field that docs/probe.md lists', () => {
    const json = reportToJson(report);
    assert.deepEqual(Object.keys(json), ['version', 'url', 'startedAt', 'durationMs', 'conforms', 'counts', 'checks']);
    assert.deepEqual(json.counts, {
      pass: 1,
      fail: 1,
      'not-applicable': 1,
      inconclusive: 1,
      failedMust: 1,
      unclearMust: 0,
    });
    assert.deepEqual(JSON.parse(JSON.stringify(json.checks[0])), {
      id: 'http.post',
      group: 'http',
      title: 'a title with <angles> & "quotes"',
      level: 'MUST',
      section: '4.1',
      state: 'pass',
      expected: 'something else',
      saw: 'HTTP 200',
      durationMs: 12,
    });
    assert.equal(json.checks[1]?.hint, 'Do it.');
  });
});

describe('countResults', () => {
  it('counts a failed practice, but not as a MUST', () => {
    assert.deepEqual(countResults([result('http.get', 'fail', '', 'practice')]), {
      pass: 0,
      fail: 1,
      'not-applicable': 0,
      inconclusive: 0,
      failedMust: 0,
      unclearMust: 0,
    });
  });
});

/** Enough of XML to find out whether tags nest and text is clean. */
function parseXml(text: string): { names: string[]; attributes: Map<string, string>[] } {
  const open: string[] = [];
  const names: string[] = [];
  const attributes: Map<string, string>[] = [];
  const body = text.replace(/^<\?xml [^?]*\?>\n/, '');
  const token = /<(\/?)([a-z-]+)((?:\s+[a-z]+="[^"<]*")*)\s*(\/?)>|([^<]+)/gy;
  let end = 0;
  for (const [whole, closing, name = '', rest = '', single] of body.matchAll(token)) {
    end += whole.length;
    if (name === '') continue;
    if (closing === '/') {
      assert.equal(open.pop(), name);
      continue;
    }
    names.push(name);
    attributes.push(new Map([...rest.matchAll(/([a-z]+)="([^"]*)"/g)].map(([, key = '', value = '']) => [key, value])));
    if (single !== '/') open.push(name);
  }
  assert.equal(end, body.length, `no XML from ${JSON.stringify(body.slice(end, end + 40))}`);
  assert.deepEqual(open, []);
  return { names, attributes };
}

describe('reportToJunit', () => {
  const xml = reportToJunit(report);

  it('is well-formed, whatever the server sent', () => {
    const { names } = parseXml(xml);
    assert.equal(names.filter((name) => name === 'testcase').length, 4);
    // oxlint-disable-next-line no-control-regex -- exactly these must not be there.
    assert.doesNotMatch(xml, /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\uFFFE\uFFFF]/);
    assert.doesNotMatch(xml.replaceAll(/&(?:amp|lt|gt|quot|apos|#9|#10|#13);/g, ''), /&/);
  });

  it('has one case for each check, and counts them by suite', () => {
    const { attributes, names } = parseXml(xml);
    const suites = attributes.filter((_, index) => names[index] === 'testsuite');
    assert.deepEqual(
      suites.map((suite) => ['name', 'tests', 'failures', 'errors', 'skipped'].map((key) => suite.get(key))),
      [
        ['http', '2', '1', '0', '0'],
        ['capabilities', '2', '0', '1', '1'],
      ],
    );
  });

  it('tells of a failure its level, what was expected and what was seen', () => {
    assert.match(xml, /<failure type="MUST" message="control \\x00\\x1b\[31m\\x85 &lt;b&gt; \]\]&gt; /);
    assert.match(xml, /Expected: something else&#10;Saw: /);
  });
});
