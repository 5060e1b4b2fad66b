import type { Terminal } from './terminal.ts';

/** Where a command writes: results, and everything said beside them. */
export interface Screen {
  readonly out: Terminal;
  readonly err: Terminal;
}
