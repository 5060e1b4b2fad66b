import { formatInstant } from '../format.ts';
import type { Cell, Terminal } from '../terminal.ts';

/** A challenge as the admin API shows it. */
export interface ListedChallenge {
  readonly id: string;
  readonly endpoint: string;
  readonly kind: 'one-time' | 'static';
  readonly label: string | null;
  readonly subject: string | null;
  readonly subjectAltNames: readonly string[] | null;
  /** ISO 8601, as all instants. */
  readonly createdAt: string;
  readonly createdBy: string;
  readonly expiresAt: string;
  readonly maximumUses: number | null;
  readonly uses: number;
  readonly revokedAt: string | null;
  readonly revokedBy: string | null;
}

export interface NewChallenge extends ListedChallenge {
  readonly challenge: string;
}

/** For a person: the one time that it is shown. */
export function printNewChallenge(out: Terminal, created: NewChallenge): void {
  out.raw(created.challenge);
  out.blank();
  const good = created.maximumUses === null ? 'any number of certificates' : certificates(created.maximumUses);
  out.text(`Good for ${good} at ${created.endpoint} until ${formatInstant(created.expiresAt)}.`);
  if (created.subject !== null) {
    const names = [created.subject, ...(created.subjectAltNames ?? [])].join(', ');
    out.text(`It serves no other name than ${names}.`, { hanging: 2 });
  }
  out.text('It is not shown again. To make it useless:');
  out.command(['scepter', 'challenge', 'revoke', created.id], { indent: 2 });
}

function certificates(uses: number): string {
  return uses === 1 ? 'one certificate' : `${uses} certificates`;
}

/** One line each. */
export function printChallenges(out: Terminal, challenges: readonly ListedChallenge[], now: Date): void {
  if (challenges.length === 0) {
    out.text('There are none.');
    return;
  }
  out.row(columns(['ID', 'ENDPOINT', 'USES', 'STATE', 'LABEL OR SUBJECT']));
  for (const challenge of challenges) {
    const { id, endpoint, uses, maximumUses, label, subject } = challenge;
    const used = maximumUses === null ? String(uses) : `${uses}/${maximumUses}`;
    out.row(columns([id, endpoint, used, stateOf(challenge, now), label ?? subject ?? '']));
  }
}

function stateOf({ revokedAt, expiresAt, uses, maximumUses }: ListedChallenge, now: Date): string {
  if (revokedAt !== null) return 'revoked';
  if (maximumUses !== null && uses >= maximumUses) return 'used';
  return Date.parse(expiresAt) <= now.getTime() ? 'expired' : `to ${formatInstant(expiresAt)}`;
}

const widths = [16, 12, 7, 19] as const;

function columns(texts: readonly string[]): Cell[] {
  return texts.map((text, index) => {
    const width = widths[index];
    return width === undefined ? { text } : { text, width };
  });
}
