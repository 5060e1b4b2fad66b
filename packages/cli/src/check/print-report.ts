import type { ConnectionCheck, ConnectionCheckState, ConnectionReport } from '@scepter/intune';
import { formatDuration } from '../format.ts';
import type { Cell, Terminal } from '../terminal.ts';

const marks: Readonly<
  Record<ConnectionCheckState, { readonly word: string; readonly tone: NonNullable<Cell['tone']> }>
> = {
  ok: { word: 'ok', tone: 'good' },
  warning: { word: 'WARNING', tone: 'warning' },
  failed: { word: 'FAILED', tone: 'bad' },
  skipped: { word: 'skipped', tone: 'quiet' },
};
const markWidth = 7;
const textIndent = 2 + markWidth + 2;

/** Prints the report of one connection for a person. */
export function printReport(out: Terminal, name: string, report: ConnectionReport): void {
  const application = report.clientId === undefined ? '' : `, application ${report.clientId}`;
  out.text(`${name}: tenant ${report.tenant}${application}`, { tone: 'strong', hanging: 2 });
  out.blank();
  for (const check of joinSkipped(report.checks)) printCheck(out, check);
  out.blank();
  out.text(summary(report), { tone: report.ok ? 'good' : 'bad' });
  out.blank();
}

/** One failure can leave ten checks untried, which is no news worth twenty lines. */
function joinSkipped(checks: readonly ConnectionCheck[]): ConnectionCheck[] {
  const joined: ConnectionCheck[] = [];
  for (const check of checks) {
    const last = joined.at(-1);
    if (last?.state === 'skipped' && check.state === 'skipped' && last.saw === check.saw) {
      joined.splice(-1, 1, { ...last, title: `${last.title}; ${check.title}` });
    } else {
      joined.push(check);
    }
  }
  return joined;
}

function printCheck(out: Terminal, { state, title, saw, advice, durationMs }: ConnectionCheck): void {
  const { word, tone } = marks[state];
  if (state === 'skipped') {
    out.text(`${word.padEnd(markWidth)}  ${title}`, { indent: 2, hanging: markWidth + 2, tone });
    out.text(saw, { indent: textIndent, tone });
    return;
  }
  const duration = durationMs < 1 ? '' : formatDuration(durationMs);
  out.row(
    [
      { text: word, width: markWidth, tone },
      { text: title, width: 56 },
      { text: duration, width: 9, align: 'right', tone: 'quiet' },
    ],
    { indent: 2 },
  );
  out.text(saw, { indent: textIndent, tone: state === 'ok' ? 'quiet' : 'plain' });
  if (advice !== undefined)
    out.text(`Hint: ${advice}`, { indent: textIndent, hanging: 2, tone: state === 'ok' ? 'quiet' : 'plain' });
}

function summary({ checks, durationMs }: ConnectionReport): string {
  const count = (state: ConnectionCheckState): number => checks.filter((check) => check.state === state).length;
  const [failed, warnings, skipped] = [count('failed'), count('warning'), count('skipped')];
  const time = formatDuration(durationMs);
  if (failed > 0) return `${failed} failed, ${warnings} with a warning, ${skipped} skipped, in ${time}.`;
  if (warnings > 0) return `It works; ${warnings} with a warning, in ${time}.`;
  return `All is well, in ${time}.`;
}
