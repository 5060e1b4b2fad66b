import { countResults } from '@scepter/conformance';
import type { CheckResult, CheckState, GroupName, ProbeReport } from '@scepter/conformance';
import { formatDuration } from '../format.ts';
import type { Cell, Terminal } from '../terminal.ts';

const marks: Readonly<Record<CheckState, { readonly word: string; readonly tone: NonNullable<Cell['tone']> }>> = {
  pass: { word: 'pass', tone: 'good' },
  fail: { word: 'FAIL', tone: 'bad' },
  'not-applicable': { word: 'n/a', tone: 'quiet' },
  inconclusive: { word: 'unclear', tone: 'warning' },
};
const markWidth = 7;
const textIndent = 2 + markWidth + 2;

const groupTitles: Readonly<Record<GroupName, string>> = {
  http: 'How messages travel',
  capabilities: 'Capabilities (GetCACaps)',
  'ca-certificates': 'CA certificates (GetCACert)',
  messages: 'Messages (CertRep)',
  enrollment: 'Enrollment (PKCSReq)',
  renewal: 'Renewal (RenewalReq)',
  poll: 'Polling (CertPoll)',
  query: 'Queries (GetCert, GetCRL)',
  rollover: 'Rollover (GetNextCACert)',
  clients: 'Habits of real clients',
  abuse: 'Abuse',
};

/** Sections are those of RFC 8894 unless they say something else; `practice` stands beside it as the level. */
function sourceText(section: string): string {
  const source = /^\d/u.test(section) ? `RFC 8894 ${section}` : section;
  return source.replaceAll('section ', '').replace(/^practice(?: \((.+)\))?$/u, '$1');
}

/** Prints results as they come, each group under its title. */
export class ResultPrinter {
  readonly #out: Terminal;
  readonly #brief: boolean;
  #group: GroupName | undefined;

  /** @param options `brief`: failures and what is unclear, and nothing else */
  constructor(out: Terminal, options: { readonly brief: boolean }) {
    this.#out = out;
    this.#brief = options.brief;
  }

  print(result: CheckResult): void {
    if (this.#brief && (result.state === 'pass' || result.state === 'not-applicable')) return;
    if (result.group !== this.#group) {
      this.#out.text(groupTitles[result.group], { tone: 'strong' });
      this.#group = result.group;
    }
    printResult(this.#out, result);
  }
}

function printResult(out: Terminal, { expected, id, level, saw, section, state, title }: CheckResult): void {
  const { tone, word } = marks[state];
  const cells: Cell[] = [
    { text: word, width: markWidth, tone },
    { text: id, width: 30, tone: state === 'not-applicable' ? 'quiet' : 'strong' },
    { text: level, width: 8, tone: 'quiet' },
    { text: sourceText(section), tone: 'quiet' },
  ];
  out.row(cells, { indent: 2 });
  if (state === 'fail') {
    out.text(title, { indent: textIndent });
    out.text(`Expected: ${expected}`, { indent: textIndent, hanging: 2 });
    out.text(`Saw: ${saw}`, { indent: textIndent, hanging: 2 });
  } else {
    out.text(`${title}: ${saw}`, { indent: textIndent, tone: 'quiet' });
  }
}

/** What it comes to, and what to do about every failure. */
export function printSummary(out: Terminal, { conforms, durationMs, results }: ProbeReport): void {
  const counts = countResults(results);
  const failures = results.filter(({ state }) => state === 'fail');
  if (failures.length > 0) out.text('What failed', { tone: 'strong' });
  for (const { hint, id, level, title } of failures) {
    out.text(`${id} (${level}): ${title}.`, { indent: 2, hanging: 2, tone: level === 'MUST' ? 'bad' : 'warning' });
    out.text(hint, { indent: 4 });
  }
  if (failures.length > 0) out.blank();
  const must = counts.failedMust === 0 ? 'none of them' : `${counts.failedMust} of them`;
  const failed = counts.fail === 0 ? '0 failed' : `${counts.fail} failed, ${must} of the level MUST`;
  out.text(
    `${results.length} ${results.length === 1 ? 'check' : 'checks'}: ${counts.pass} passed, ${failed}, ${counts['not-applicable']} not applicable, ${counts.inconclusive} unclear, in ${formatDuration(durationMs)}.`,
    { tone: conforms ? 'good' : 'bad' },
  );
}
