/** The suite's outcome for people: which client did what, with which algorithms. */

export interface ResultRow {
  readonly client: string;
  readonly version: string;
  /** What was done, and on which endpoint. */
  readonly what: string;
  readonly algorithms: string;
  readonly result: string;
}

const columns = ['client', 'version', 'what', 'algorithms', 'result'] as const;

/** One line for each row, below a header. */
export function formatResults(rows: readonly ResultRow[]): string[] {
  const header = Object.fromEntries(columns.map((column) => [column, column])) as Record<keyof ResultRow, string>;
  const widths = columns.map((column) => Math.max(...[header, ...rows].map((row) => row[column].length)));
  return [header, ...rows].map((row) =>
    columns
      .map((column, index) => row[column].padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
