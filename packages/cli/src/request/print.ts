import { formatInstant } from '../format.ts';
import type { Cell, Terminal } from '../terminal.ts';

/** A request as the admin API shows it. */
export interface ListedRequest {
  readonly id: number;
  readonly state: 'pending' | 'approved' | 'denied' | 'expired';
  readonly endpoint: string;
  readonly transactionId: string;
  readonly subject: string;
  readonly subjectAltNames: readonly string[];
  readonly key: string;
  /** IP address, or the /64 of an IPv6 address. */
  readonly from: string;
  /** Lower-case hexadecimal. */
  readonly publicKeySha256: string;
  /** ISO 8601, as all instants. */
  readonly requestedAt: string;
  readonly expiresAt: string | null;
  readonly decidedAt: string | null;
  readonly decidedBy: string | null;
  readonly reason: string | null;
  readonly serialNumber: string | null;
}

/** One line each. */
export function printRequests(out: Terminal, requests: readonly ListedRequest[]): void {
  if (requests.length === 0) {
    out.text('There are none.');
    return;
  }
  out.row(columns(['ID', 'STATE', 'ENDPOINT', 'REQUESTED', 'SUBJECT']));
  for (const { id, state, endpoint, requestedAt, serialNumber, subject } of requests) {
    const stage = serialNumber === null ? state : 'issued';
    out.row(columns([String(id), stage, endpoint, formatInstant(requestedAt), subject]));
  }
}

/** All that a person needs to decide. */
export function printRequest(out: Terminal, request: ListedRequest): void {
  const decided = request.decidedBy === null ? '' : ` by ${request.decidedBy}`;
  const decidedAt = request.decidedAt === null ? '' : `, ${formatInstant(request.decidedAt)}`;
  const rows: readonly (readonly [string, string | null])[] = [
    ['Request', String(request.id)],
    ['State', `${request.state}${decided}${decidedAt}`],
    ['Reason', request.reason],
    ['Endpoint', request.endpoint],
    ['Subject', request.subject],
    ...request.subjectAltNames.map((name) => ['Name', name] as const),
    ['Key', request.key],
    ['SHA-256', request.publicKeySha256],
    ['Transaction', request.transactionId],
    ['From', request.from],
    ['Requested', formatInstant(request.requestedAt)],
    ['Ends', request.expiresAt === null ? null : formatInstant(request.expiresAt)],
    ['Certificate', request.serialNumber],
  ];
  for (const [title, text] of rows) {
    // Wrapped and not cut: a long name must not hide its end.
    if (text !== null) out.text(`${title.padEnd(11)} ${text}`, { hanging: 12 });
  }
}

const widths = [6, 8, 14, 16] as const;

function columns(texts: readonly string[]): Cell[] {
  return texts.map((text, index) => {
    const width = widths[index];
    return width === undefined ? { text } : { text, width };
  });
}
