import { InvalidArgumentError, Option } from 'commander';

/** `--folder`: where the demo and the emulator keep everything. */
export function folderOption(): Option {
  return new Option('--folder <path>', 'folder for all data').default('.scepter');
}

/** `--config`: leads to the server that runs, by its data folder. */
export function runningServerOption(): Option {
  return new Option('--config <file>', 'configuration that the server runs from').default('scepter.json');
}

/** A TCP port; 0 lets the system choose. */
export function portOption(flags: string, description: string, standard: number): Option {
  return new Option(flags, description).default(standard).argParser(parsePort);
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/u.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError('A port is a number from 0 to 65535; 0 takes any free one.');
}
