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
  for (const check of joinEqual(shortenAdvice(report.checks))) printCheck(out, check);
  out.blank();
  out.text(summary(report), { tone: report.ok ? 'good' : 'bad' });
  out.blank();
}

/**
 * One failure can leave ten checks untried, and services can share a host: what has the same to tell is told once, under
 * the titles of all.
 */
function joinEqual(checks: readonly ConnectionCheck[]): ConnectionCheck[] {
  const joined: ConnectionCheck[] = [];
  for (const check of checks) {
    const last = joined.at(-1);
    if (last?.saw === check.saw && last.state === check.state && last.advice === check.advice) {
      const title = `${last.title}; ${check.title}`;
      joined.splice(-1, 1, { ...last, title, durationMs: last.durationMs + check.durationMs });
    } else {
      joined.push(check);
    }
  }
  return joined;
}

/** One cause can make two checks fail, as a wrong secret does both tokens: what to do is told where it shows first. */
function shortenAdvice(checks: readonly ConnectionCheck[]): ConnectionCheck[] {
  return checks.map((check, index) => {
    const first = checks.slice(0, index).find(({ advice }) => advice !== undefined && advice === check.advice);
    // With the one before it, it may be told in one.
    const isSame = checks[index - 1]?.saw === check.saw;
    return first === undefined || isSame ? check : { ...check, advice: `As for ${first.title}.` };
  });
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
