import { countResults } from './report.ts';
import type { CheckResult, ProbeReport } from './report.ts';

// The JUnit XML that Jenkins, GitLab and GitHub's reporters read: one suite a group, one case a check. What is not
// applicable is skipped; an inconclusive check is an error, so that nobody takes it for a pass.

/** XML 1.0 section 2.2 has no place for control characters, escaped or not. */
const allowed = (text: string): string =>
  text
    .toWellFormed()
    .replaceAll(
      /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu,
      (character) => `\\x${(character.codePointAt(0) ?? 0).toString(16).padStart(2, '0')}`,
    )
    .replaceAll(/[\u007F-\u009F]/g, (character) => `\\x${character.charCodeAt(0).toString(16)}`);

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
};

const escape = (text: string): string =>
  allowed(text).replaceAll(/[&<>"'\t\n\r]/g, (character) => entities[character] ?? '');

const seconds = (durationMs: number): string => (durationMs / 1000).toFixed(3);

const outcomeOf = ({ expected, hint, level, saw, section, state }: CheckResult): string => {
  const detail = escape(`Expected: ${expected}\nSaw: ${saw}\nSection: ${section}\nHint: ${hint}`);
  switch (state) {
    case 'pass':
      return `<system-out>${escape(saw)}</system-out>`;
    case 'fail':
      return `<failure type="${level}" message="${escape(saw)}">${detail}</failure>`;
    case 'not-applicable':
      return `<skipped message="${escape(saw)}"/>`;
    case 'inconclusive':
      return `<error type="inconclusive" message="${escape(saw)}"/>`;
    default:
      return state satisfies never;
  }
};

const testCase = (result: CheckResult): string =>
  `    <testcase classname="scepter.probe.${result.group}" name="${escape(`${result.id}: ${result.title}`)}" time="${seconds(result.durationMs)}">${outcomeOf(result)}</testcase>`;

const counts = (results: readonly CheckResult[]): string => {
  const { fail, inconclusive, 'not-applicable': skipped } = countResults(results);
  return `tests="${results.length}" failures="${fail}" errors="${inconclusive}" skipped="${skipped}"`;
};

/** The report as JUnit XML, UTF-8. */
export const reportToJunit = (report: ProbeReport): string => {
  const groups = Map.groupBy(report.results, ({ group }) => group);
  const suites = [...groups].map(([name, results]) =>
    [
      `  <testsuite name="${name}" ${counts(results)} time="${seconds(results.reduce((sum, { durationMs }) => sum + durationMs, 0))}" timestamp="${report.startedAt.toISOString()}">`,
      ...results.map((result) => testCase(result)),
      '  </testsuite>',
    ].join('\n'),
  );
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="${escape(`scepter probe ${report.url}`)}" ${counts(report.results)} time="${seconds(report.durationMs)}">`,
    ...suites,
    '</testsuites>',
    '',
  ].join('\n');
};
