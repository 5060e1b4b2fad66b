/** `/api/requests`: requests that wait for a person's decision. */
import { Hono } from 'hono';
import { z } from 'zod';
import type { Approvals, Decision, PendingRequest } from '../../enrollment/approvals.ts';
import { endpointName, lineOf, readJsonBody, readQuery, requirePermission } from './exchange.ts';
import type { AdminContext, AdminEnvironment } from './exchange.ts';
import { AdminProblem } from './problem.ts';

const listSchema = z.strictObject({
  state: z.enum(['pending', 'approved', 'denied', 'expired']).optional(),
  endpoint: endpointName.optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
});
const approveSchema = z.strictObject({});
const denySchema = z.strictObject({ reason: lineOf(200).optional() });

export function requestRoutes(approvals: Approvals): Hono<AdminEnvironment> {
  const routes = new Hono<AdminEnvironment>();
  routes.use(requirePermission('requests'));

  routes.get('/', async (context) => {
    const listed = await approvals.list(readQuery(context, listSchema));
    return context.json({ requests: listed.map(described) });
  });

  routes.get('/:id', async (context) => {
    const id = idOf(context.req.param('id'));
    const request = await approvals.find(id);
    if (request === undefined) throw unknownRequest(id);
    return context.json(described(request));
  });

  routes.post('/:id/approve', async (context) => {
    await readJsonBody(context, approveSchema);
    return decide(context, context.req.param('id'), { decision: 'approved' });
  });

  routes.post('/:id/deny', async (context) => {
    const { reason } = await readJsonBody(context, denySchema);
    return decide(context, context.req.param('id'), { decision: 'denied', reason });
  });

  async function decide(context: AdminContext, text: string, decision: Omit<Decision, 'by'>): Promise<Response> {
    const id = idOf(text);
    const outcome = await approvals.decide(id, { ...decision, by: context.var.administrator.name });
    if (outcome.kind === 'unknown') throw unknownRequest(id);
    const { request } = outcome;
    if (outcome.kind === 'too-late') throw new AdminProblem('admin.conflict', whyNot(request));
    const action = decision.decision === 'approved' ? 'approve request' : 'deny request';
    if (outcome.kind === 'decided') {
      context.var.audit({ action, target: String(request.id), endpoint: request.identity.endpoint });
    }
    return context.json(described(request));
  }

  return routes;
}

/** SQLite counts from 1. */
function idOf(text: string): number {
  const id = Number(text);
  if (/^[1-9]\d{0,14}$/.test(text)) return id;
  throw new AdminProblem('admin.not_found', 'There is no request with this id.');
}

/** Named: the caller may have asked for several. */
function unknownRequest(id: number): AdminProblem {
  return new AdminProblem('admin.not_found', `There is no request ${id}.`);
}

function whyNot({ id, state, serialNumber }: PendingRequest): string {
  const issued = serialNumber === undefined ? '' : `, and its certificate ${serialNumber} is issued`;
  return `Request ${id} is ${state} already${issued}.`;
}

/** As a person sees it: without the sealed request, which may hold a challenge. */
function described(request: PendingRequest) {
  const {
    id,
    state,
    subject,
    subjectAltNames,
    keyDescription,
    clientNetwork,
    requestedAt,
    expiresAt,
    decision,
    serialNumber,
  } = request;
  return {
    id,
    state,
    endpoint: request.identity.endpoint,
    transactionId: request.identity.transactionId,
    subject,
    subjectAltNames,
    key: keyDescription,
    from: clientNetwork,
    publicKeySha256: request.identity.publicKeySha256,
    requestedAt: requestedAt.toISOString(),
    expiresAt: expiresAt?.toISOString() ?? null,
    decidedAt: decision?.at.toISOString() ?? null,
    decidedBy: decision?.by ?? null,
    reason: decision?.reason ?? null,
    serialNumber: serialNumber ?? null,
  };
}
