import type { ServerUnderTest } from '../server-under-test.ts';
import { isFailure } from '../transaction.ts';
import type { BuiltRequest, RequestPlan, Transaction } from '../transaction.ts';
import { messageTypes } from '../wire/object-identifiers.ts';
import { refusedAttempt, pollData } from './enroll.ts';

/**
 * A message that an honest server understands and refuses. A check of how messages travel sends it in its own way and
 * compares the answer with that to the plain way.
 */
export interface Canary {
  readonly plan: RequestPlan;
  /** The answer to it by POST, or by GET where there is no POST. */
  readonly plain: Transaction;
}

/**
 * A poll for a transaction that does not exist: it costs a server little and counts as no attempt at a challenge. Servers
 * that do not know polling get a request with a wrong challenge.
 */
export const findCanary = (server: ServerUnderTest): Promise<Canary> =>
  server.once('canary', async () => {
    const device = await server.anyDevice();
    const messageData = await pollData(server, device.subject);
    const plan = { messageType: messageTypes.CertPoll, messageData, device };
    const plain = await server.request(plan);
    if (isFailure(plain)) return { plan, plain };
    const refused = await refusedAttempt(server);
    return { plan: { messageData: refused.csr, device }, plain: refused.transaction };
  });

/** Builds the canary anew, with changes, under a transaction identifier and a nonce of its own. */
export const buildCanary = async (
  server: ServerUnderTest,
  changes: Partial<RequestPlan> = {},
): Promise<BuiltRequest> => {
  const { plan } = await findCanary(server);
  return server.build({ ...plan, ...changes });
};
