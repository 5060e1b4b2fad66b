/** `/api/challenges`: challenges made at run time, for MDMs other than Intune and for people. */
import { Hono } from 'hono';
import { z } from 'zod';
import { ChallengeOrderError, longestValiditySeconds } from '../../enrollment/challenges/issued-challenges.ts';
import type {
  ChallengeOrder,
  ChallengeOrderErrorCode,
  IssuedChallenges,
} from '../../enrollment/challenges/issued-challenges.ts';
import { endpointName, lineOf, readJsonBody, readQuery, requirePermission } from './exchange.ts';
import type { AdminEnvironment } from './exchange.ts';
import { AdminProblem } from './problem.ts';
import type { ProblemCode } from './problem.ts';

type IssuedChallenge = Awaited<ReturnType<IssuedChallenges['list']>>[number];

const orderSchema = z
  .strictObject({
    endpoint: endpointName,
    kind: z.enum(['one-time', 'static']),
    validForSeconds: z
      .int()
      .min(60)
      .max(
        longestValiditySeconds.static,
        `a challenge is valid for ${longestValiditySeconds.static} s (366 days) at most`,
      ),
    maximumUses: z.int().min(1).max(1_000_000).optional(),
    subject: lineOf(1024).optional(),
    subjectAltNames: z.array(lineOf(1024)).max(50).optional(),
    label: lineOf(200).optional(),
  })
  .refine(({ subject, subjectAltNames }) => subject !== undefined || subjectAltNames === undefined, {
    path: ['subjectAltNames'],
    error: 'needs a subject',
  });

const listSchema = z.strictObject({
  endpoint: endpointName.optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
});

const problemOf: Readonly<Record<ChallengeOrderErrorCode, ProblemCode>> = {
  'challenge.unknown_endpoint': 'admin.not_found',
  'challenge.not_taken': 'admin.conflict',
  'challenge.valid_for_too_long': 'admin.invalid',
  'challenge.maximum_uses': 'admin.invalid',
  'challenge.bad_subject': 'admin.invalid',
  'challenge.bad_alternative_name': 'admin.invalid',
};

export function challengeRoutes(challenges: IssuedChallenges): Hono<AdminEnvironment> {
  const routes = new Hono<AdminEnvironment>();
  routes.use(requirePermission('challenges'));

  routes.post('/', async (context) => {
    const { subject, subjectAltNames = [], ...form } = await readJsonBody(context, orderSchema);
    const order = { ...form, binding: subject === undefined ? undefined : { subject, subjectAltNames } };
    const { challenge, ...created } = await create(challenges, order, context.var.administrator.name);
    context.var.audit({
      action: `create ${created.kind} challenge`,
      target: created.id,
      endpoint: created.endpoint,
    });
    return context.json({ challenge, ...described({ ...created, uses: 0, revocation: undefined }) }, 201);
  });

  routes.get('/', async (context) => {
    const listed = await challenges.list(readQuery(context, listSchema));
    return context.json({ challenges: listed.map(described) });
  });

  routes.delete('/:id', async (context) => {
    const id = context.req.param('id');
    const outcome = /^[0-9a-f]{16}$/.test(id) ? await challenges.revoke(id, context.var.administrator.name) : 'unknown';
    if (outcome === 'unknown') throw new AdminProblem('admin.not_found', 'There is no challenge with this id.');
    // Once more is not an error: a caller that lost the answer asks again.
    if (outcome === 'revoked') context.var.audit({ action: 'revoke challenge', target: id });
    return context.body(null, 204);
  });

  return routes;
}

async function create(challenges: IssuedChallenges, order: ChallengeOrder, createdBy: string) {
  try {
    return await challenges.create(order, createdBy);
  } catch (error) {
    if (error instanceof ChallengeOrderError) throw new AdminProblem(problemOf[error.code], error.message);
    throw error;
  }
}

/** As it is shown: never the challenge, nor what stands for it. */
function described(challenge: IssuedChallenge) {
  const { id, kind, label, binding, createdAt, createdBy, expiresAt, maximumUses, uses, revocation } = challenge;
  return {
    id,
    endpoint: challenge.endpoint,
    kind,
    label: label ?? null,
    subject: binding?.subject ?? null,
    subjectAltNames: binding?.subjectAltNames ?? null,
    createdAt: createdAt.toISOString(),
    createdBy,
    expiresAt: expiresAt.toISOString(),
    maximumUses: maximumUses ?? null,
    uses,
    revokedAt: revocation?.at.toISOString() ?? null,
    revokedBy: revocation?.by ?? null,
  };
}
