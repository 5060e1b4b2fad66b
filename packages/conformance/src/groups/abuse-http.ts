/** What a server on the public internet has to survive. */
import { setTimeout as sleep } from 'node:timers/promises';
import { fail, inconclusive, noneWrong, verdict } from '../check.ts';
import type { Check, Outcome } from '../check.ts';
import { rawStatus } from '../http/raw-socket.ts';
import { TransportError } from '../http/transport-error.ts';
import type { HttpAnswer, HttpRequest } from '../http/transport.ts';
import type { ServerUnderTest } from '../server-under-test.ts';
import { describeAnswer } from '../transaction.ts';
import { parserBombs } from '../abuse/parser-bombs.ts';

const latin1 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));

/** Hanging up is an answer, too. */
const sendOrClosed = async (
  server: ServerUnderTest,
  request: HttpRequest,
): Promise<HttpAnswer | 'closed' | 'timeout'> => {
  try {
    return await server.transport.send(request);
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    return error.code === 'transport.timeout' ? 'timeout' : 'closed';
  }
};

const seenOf = (answer: HttpAnswer | 'closed' | 'timeout'): string =>
  typeof answer === 'string'
    ? answer === 'closed'
      ? 'connection closed'
      : 'no answer in time'
    : describeAnswer(answer);

/** In whatever way: the group `http` judges that. */
const isRefused = (answer: HttpAnswer | 'closed' | 'timeout'): boolean =>
  answer === 'closed' || (typeof answer !== 'string' && answer.status >= 400);

/** Whether the server still serves others. */
const isAlive = async (server: ServerUnderTest): Promise<boolean> => {
  const answer = await sendOrClosed(server, { query: 'operation=GetCACaps' });
  return typeof answer !== 'string' && answer.status === 200;
};

const afterwards = async (server: ServerUnderTest, problems: readonly string[], saw: string): Promise<Outcome> =>
  (await isAlive(server))
    ? noneWrong(problems, saw)
    : fail([...problems, 'afterwards GetCACaps is not answered any more'].join('; '));

const methods = ['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND'] as const;
const hugeUrlCharacters = 256 * 1024;
const hugeBodyBytes = 4 * 1024 * 1024;
const slowClients = 4;
const slowMs = 2_500;
const settleMs = 500;

const traversals = [
  '/../../../../../../../../etc/passwd',
  '/..%2f..%2f..%2f..%2f..%2f..%2fetc%2fpasswd',
  '/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd',
  '/....//....//....//etc/passwd',
  '/%00/../../../etc/passwd',
] as const;

/** What programs leave in their error pages. */
const leaks: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['a stack trace', /\n\s+at .+:\d+:\d+|\n\s+at [\w.$]+\(|goroutine \d+|Traceback \(most recent/],
  ['a path of the file system', /\/(?:home|usr|opt|var|root|work|srv)\/[\w./-]+|[A-Z]:\\\w+/],
  ['an SQL statement', /\b(?:SELECT .+ FROM|INSERT INTO)\b/],
];

const parsing: readonly Check[] = [
  {
    id: 'abuse.parser-bombs',
    title: 'parser bombs are refused, and quickly',
    section: 'practice (CVE-2024-43544)',
    level: 'practice',
    expected: 'a refusal of each in under two seconds, and a server that goes on serving',
    hint: 'Bound depth, number of elements, size and time of parsing; do not recurse.',
    run: async (server) => {
      const problems: string[] = [];
      const seen = new Set<string>();
      for (const { bytes, name } of parserBombs()) {
        const startedAt = performance.now();
        const answer = await sendOrClosed(server, { query: 'operation=PKIOperation', body: bytes });
        const durationMs = performance.now() - startedAt;
        if (!isRefused(answer)) problems.push(`${name}: ${seenOf(answer)}`);
        else if (durationMs > 2_000) problems.push(`${name}: ${Math.round(durationMs)} ms`);
        seen.add(typeof answer === 'string' ? answer : `HTTP ${answer.status}`);
      }
      return afterwards(server, problems, [...seen].join(', '));
    },
  },
  {
    id: 'abuse.large-body',
    title: 'a body of 4 MB is refused',
    section: 'practice',
    level: 'practice',
    expected: 'a refusal (413), or the connection closed',
    hint: 'An honest request has a few kilobytes; stop reading at 64 KB or so.',
    run: async (server) => {
      const target = server.transport.target({ query: 'operation=PKIOperation' });
      const head = `POST ${target} HTTP/1.1\r\nHost: ${server.transport.url.host}\r\nContent-Length: ${hugeBodyBytes}\r\nConnection: close\r\n\r\n`;
      const pieces = [latin1(head), new Uint8Array(hugeBodyBytes).fill(0x30)];
      // Over a bare connection: an answer before the end of the body is just what is hoped for.
      const answer = await server.transport.raw({ pieces });
      const status = rawStatus(answer);
      const refused = status === undefined ? answer.end !== 'timeout' : status >= 400;
      const saw = status === undefined ? `no HTTP answer (${answer.end})` : `HTTP ${status}`;
      return afterwards(server, refused ? [] : [saw], saw);
    },
  },
  {
    id: 'abuse.long-url',
    title: 'a URL of 256 KB is refused',
    section: 'practice',
    level: 'practice',
    expected: 'a refusal (414 or 431), or the connection closed',
    hint: 'Bound the request line; 64 KB is enough for every client.',
    run: async (server) => {
      const answer = await sendOrClosed(server, {
        query: `operation=PKIOperation&message=${'A'.repeat(hugeUrlCharacters)}`,
      });
      return afterwards(server, isRefused(answer) ? [] : [seenOf(answer)], seenOf(answer));
    },
  },
];

const behaviour: readonly Check[] = [
  {
    id: 'abuse.methods',
    title: 'other methods than GET and POST are refused',
    section: '4.1',
    level: 'practice',
    expected: '4xx or 501; TRACE does not send the request back',
    hint: 'Answer 405 with Allow: GET, POST.',
    run: async (server) => {
      const problems: string[] = [];
      const seen: string[] = [];
      for (const method of methods) {
        const target = server.transport.target({ query: 'operation=GetCACaps' });
        const text = `${method} ${target} HTTP/1.1\r\nHost: ${server.transport.url.host}\r\nX-Probe: sent-back\r\nConnection: close\r\n\r\n`;
        const answer = await server.transport.raw({ pieces: [latin1(text)] });
        const status = rawStatus(answer);
        // OPTIONS may say which methods there are.
        const refused =
          status === undefined || status >= 400 || (method === 'OPTIONS' && !answer.text.includes('POSTPKIOperation'));
        if (!refused || answer.text.includes('sent-back')) problems.push(`${method}: HTTP ${status ?? 'none'}`);
        seen.push(`${method} ${status ?? answer.end}`);
      }
      return noneWrong(problems, seen.join(', '));
    },
  },
  {
    id: 'abuse.path-traversal',
    title: 'no path leads out of the service',
    section: 'practice',
    level: 'practice',
    expected: 'no file of the machine',
    hint: 'Map paths to services by comparison, never to files.',
    run: async (server) => {
      const problems: string[] = [];
      const statuses = new Set<string>();
      for (const suffix of traversals) {
        const target = `${server.transport.url.pathname.replace(/\/$/, '')}${suffix}?operation=GetCACaps`;
        const text = `GET ${target} HTTP/1.1\r\nHost: ${server.transport.url.host}\r\nConnection: close\r\n\r\n`;
        const answer = await server.transport.raw({ pieces: [latin1(text)] });
        if (/root:.*:0:0:/.test(answer.text)) problems.push(`${suffix} gives /etc/passwd`);
        if ((rawStatus(answer) ?? 400) >= 500) problems.push(`${suffix}: HTTP ${rawStatus(answer) ?? 'none'}`);
        statuses.add(`HTTP ${rawStatus(answer) ?? answer.end}`);
      }
      return noneWrong(problems, [...statuses].join(', '));
    },
  },
  {
    id: 'abuse.slow-client',
    title: 'a few slow clients do not keep others out',
    section: 'practice (slowloris)',
    level: 'practice',
    expected: 'others are answered as fast as before',
    hint: 'Bound the time for headers and body; one connection must not hold a thread.',
    run: async (server) => {
      const target = server.transport.target({ query: 'operation=PKIOperation' });
      const head = `POST ${target} HTTP/1.1\r\nHost: ${server.transport.url.host}\r\nContent-Length: 5000\r\n\r\n`;
      const pieces = [latin1(head), ...Array.from({ length: 40 }, () => Uint8Array.of(0x30))];
      const slow = Array.from({ length: slowClients }, () =>
        server.transport.raw({ pieces, pauseMs: 100, timeoutMs: slowMs }),
      );
      await sleep(settleMs);
      const startedAt = performance.now();
      const alive = await isAlive(server);
      const durationMs = performance.now() - startedAt;
      await Promise.all(slow);
      return verdict(
        alive && durationMs < 2_000,
        alive
          ? `answered in ${Math.round(durationMs)} ms beside ${slowClients} slow clients`
          : 'GetCACaps was not answered',
      );
    },
  },
  {
    id: 'abuse.smuggling',
    title: 'a body of two lengths is refused',
    section: 'RFC 9112 section 6.3',
    level: 'practice',
    expected: '400, or the connection closed',
    hint: 'Content-Length and Transfer-Encoding together smuggle requests past proxies.',
    run: async (server) => {
      const target = server.transport.target({ query: 'operation=PKIOperation' });
      const text = `POST ${target} HTTP/1.1\r\nHost: ${server.transport.url.host}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\nGET ${server.transport.target({ query: 'operation=GetCACaps' })} HTTP/1.1\r\nHost: x\r\n\r\n`;
      const answer = await server.transport.raw({ pieces: [latin1(text)] });
      const smuggled = answer.text.includes('POSTPKIOperation');
      const status = rawStatus(answer);
      if (smuggled) return fail('the second request was answered');
      return verdict(
        status === undefined || status >= 400,
        status === undefined ? `connection closed (${answer.end})` : `HTTP ${status}`,
      );
    },
  },
  {
    id: 'abuse.no-leaks',
    title: 'error pages tell nothing of the inside',
    section: 'practice',
    level: 'practice',
    expected: 'no stack trace, path or SQL in any answer that is no CertRep',
    hint: 'Answer with a fixed sentence; log the rest.',
    run: async (server) => {
      const garbage = await server.transport.send({ query: 'operation=PKIOperation', body: latin1('\x30\x03garbage') });
      const answers = [
        garbage,
        ...server.transactions.filter(({ reply }) => reply === undefined).map(({ answer }) => answer),
      ];
      const problems = new Set<string>();
      for (const { body } of answers) {
        const text = Buffer.from(body).toString('latin1');
        for (const [name, pattern] of leaks) if (pattern.test(text)) problems.add(`${name}: ${text.slice(0, 120)}`);
      }
      return answers.length === 0
        ? inconclusive('no error was seen')
        : noneWrong([...problems], `${answers.length} error answers`);
    },
  },
];

export const httpAbuse: readonly Check[] = [...parsing, ...behaviour];
