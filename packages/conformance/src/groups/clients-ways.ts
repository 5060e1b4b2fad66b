/** The ways in which the checks of the group `clients` send what a server understands. */
import { notApplicable, pass, verdict } from '../check.ts';
import type { Outcome } from '../check.ts';
import { buildCanary, findCanary } from '../device/canary.ts';
import { furtherAttempt, readEnrollment } from '../device/enroll.ts';
import { rawStatus } from '../http/raw-socket.ts';
import type { ServerUnderTest } from '../server-under-test.ts';
import { describeTransaction, requireReply } from '../transaction.ts';
import type { BuiltRequest, RequestPlan, Transaction } from '../transaction.ts';

export const latin1 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));

/** Sends the canary another way; the server has to understand it as it does the plain one. */
export const canaryBy =
  (
    send: (server: ServerUnderTest, request: BuiltRequest) => Promise<Transaction>,
    changes: Partial<RequestPlan> = {},
  ) =>
  async (server: ServerUnderTest): Promise<Outcome> => {
    const { plain } = await findCanary(server);
    requireReply(plain);
    const transaction = await send(server, await buildCanary(server, changes));
    return judgeLikePlain(plain, transaction);
  };

export const judgeLikePlain = (plain: Transaction, transaction: Transaction): Outcome => {
  const [wanted, seen] = [plain, transaction].map((each) => describeTransaction(each));
  return verdict(wanted === seen, wanted === seen ? `${seen}` : `${seen}; by POST: ${wanted}`);
};

/** Needs GET at all; without it there is no habit of GET to look at. */
export const byGet =
  (escape: (base64: string) => string, options: { readonly padded: boolean } = { padded: false }) =>
  async (server: ServerUnderTest): Promise<Outcome> => {
    const { plain } = await findCanary(server);
    const ordinary = await server.getOperation(await buildCanary(server));
    if (ordinary.reply === undefined) return notApplicable('PKIOperation by GET is not served');
    const request = options.padded ? await buildPadded(server) : await buildCanary(server);
    const base64 = Buffer.from(request.bytes).toString('base64');
    return judgeLikePlain(plain, await server.getOperation(request, escape(base64)));
  };

/** A message whose base64 ends in `=`. */
const buildPadded = async (server: ServerUnderTest): Promise<BuiltRequest> => {
  const transactionId = server.newTransactionId();
  const request = await buildCanary(server, { transactionId });
  return request.bytes.length % 3 === 0 ? buildCanary(server, { transactionId: `${transactionId}0` }) : request;
};

export const enrolling =
  (prepare: (server: ServerUnderTest) => Promise<Parameters<typeof furtherAttempt>[1]>) =>
  async (server: ServerUnderTest): Promise<Outcome> => {
    const attempted = await furtherAttempt(server, await prepare(server));
    readEnrollment(server, attempted);
    return pass(describeTransaction(attempted.transaction));
  };

/** One GET as old clients write it, over a bare socket. */
export const rawGet =
  (lines: (target: string, host: string) => readonly string[]) =>
  async (server: ServerUnderTest): Promise<Outcome> => {
    const target = server.transport.target({ query: 'operation=GetCACaps' });
    const text = [...lines(target, server.transport.url.host), '', ''].join('\r\n');
    const answer = await server.transport.raw({ pieces: [latin1(text)] });
    const status = rawStatus(answer);
    return verdict(status === 200, status === undefined ? `no HTTP answer (${answer.end})` : `HTTP ${status}`);
  };
