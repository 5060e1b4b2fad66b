/** Ends the command with an exit code of its own; everything has been said. */
export class ExitWith extends Error {
  override readonly name = 'ExitWith';
  readonly exitCode: number;

  constructor(exitCode: number) {
    super(`Exit code ${exitCode}`);
    this.exitCode = exitCode;
  }
}
