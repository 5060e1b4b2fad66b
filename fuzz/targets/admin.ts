/** The admin API of a running server, as somebody who may do everything asks it. */
import { bucket, promise } from '../outcome.ts';
import type { Outcome } from '../outcome.ts';
import { openLaboratory } from './laboratory.ts';
import type { OpenTarget, Target } from './target.ts';

const statuses: ReadonlySet<number> = new Set([200, 201, 204, 400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 429]);

interface Order {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
}

/** Undefined for what no HTTP client would send. */
function orderOf(input: Uint8Array): Order | undefined {
  try {
    const { method, path, body } = JSON.parse(Buffer.from(input).toString('utf8')) as Partial<Order>;
    const isSendable =
      typeof method === 'string' &&
      /^(?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)$/.test(method) &&
      typeof path === 'string' &&
      /^\/[!-~]*$/.test(path);
    return isSendable ? { method, path, body } : undefined;
  } catch {
    return undefined;
  }
}

async function open(): Promise<OpenTarget> {
  const laboratory = await openLaboratory();
  return {
    async execute(input): Promise<Outcome> {
      const order = orderOf(input);
      if (order === undefined) return { accepted: false, signature: 'nothing to send' };
      const { method, path, body } = order;
      const answer = await laboratory.administer(
        method,
        path,
        typeof body === 'string' ? body : (JSON.stringify(body) ?? ''),
      );
      laboratory.checkLog();
      promise(statuses.has(answer.status), `an answer of status ${answer.status}`);
      const isProblem = answer.status >= 400 && answer.body.length > 0;
      promise(
        !isProblem || answer.contentType.startsWith('application/problem+json'),
        `${answer.status} with ${answer.contentType}`,
      );
      const text = Buffer.from(answer.body).toString('utf8');
      const shape = isProblem
        ? text.replaceAll(/"[^"]{30,}"/g, '').replaceAll(/\d+/g, '#')
        : `${bucket(answer.body.length)}`;
      return { accepted: answer.status < 300, signature: `${method} ${answer.status} ${shape}` };
    },
    check: async () => void (await laboratory.checkAlive()),
    close: () => laboratory.close(),
  };
}

export const adminTargets: readonly Target[] = [
  { name: 'admin-request', description: 'a server: its admin API', inputKind: 'json', slowMs: 2000, open },
];
