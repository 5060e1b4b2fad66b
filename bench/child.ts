/** Bench programs run as processes of their own: each answers calls over its IPC channel and ends with its parent. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

interface Call {
  readonly id: number;
  readonly method: string;
  readonly input: unknown;
}

type Answer = { readonly id: number; readonly result: unknown } | { readonly id: number; readonly error: string };

/** What a program offers; inputs and results must survive JSON. */
export type Methods = Readonly<Record<string, (input: never) => Promise<unknown>>>;

export interface Child<Offered extends Methods> {
  call<Name extends keyof Offered & string>(
    method: Name,
    input: Parameters<Offered[Name]>[0],
  ): Promise<Awaited<ReturnType<Offered[Name]>>>;
  /** Lets it close what it has open, then waits for its end. */
  stop(): Promise<void>;
}

export function startChild<Offered extends Methods>(file: string, nodeOptions: readonly string[] = []): Child<Offered> {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), {
    execArgv: ['--conditions=source', '--disable-warning=ExperimentalWarning', ...nodeOptions],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  let lastId = 0;
  child.on('message', (answer: Answer) => {
    const caller = waiting.get(answer.id);
    waiting.delete(answer.id);
    if ('error' in answer) caller?.reject(new Error(`${file}: ${answer.error}`));
    else caller?.resolve(answer.result);
  });
  child.on('exit', (code) => {
    for (const { reject } of waiting.values()) reject(new Error(`${file} ended with code ${code}.`));
    waiting.clear();
  });
  return {
    call: (method, input) =>
      new Promise((resolve, reject) => {
        lastId += 1;
        waiting.set(lastId, { resolve: resolve as (result: unknown) => void, reject });
        child.send({ id: lastId, method, input } satisfies Call);
      }),
    stop: async () => {
      if (child.exitCode !== null) return;
      const ended = once(child, 'exit');
      child.disconnect();
      await ended;
    },
  };
}

/** Called once by a bench program. `close` runs when the parent is gone or wants it to end. */
export function serveParent(methods: Methods, close: () => Promise<void> = async () => {}): void {
  process.on('message', (call: Call) => void answer(methods, call));
  process.on('disconnect', () => void close().finally(() => process.exit(0)));
}

async function answer(methods: Methods, { id, method, input }: Call): Promise<void> {
  let sent: Answer;
  try {
    const run = methods[method];
    if (run === undefined) throw new Error(`no method ${method}`);
    sent = { id, result: await run(input as never) };
  } catch (error) {
    sent = { id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  if (process.connected) process.send?.(sent);
}
