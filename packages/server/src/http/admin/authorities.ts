/** `/api/authorities`: the generations of the CA, and the change from one to the next. */
import { Hono } from 'hono';
import { z } from 'zod';
import { AuthorityError } from '../../authorities/authority-error.ts';
import type { AuthorityDescription } from '../../authorities/describe-authority.ts';
import { readJsonBody, requirePermission } from './exchange.ts';
import type { AdminEnvironment } from './exchange.ts';
import { AdminProblem } from './problem.ts';

export interface AuthorityAdministration {
  /** In the order of the generations. */
  list(): Promise<AuthorityDescription[]>;
  /** @throws AuthorityError */
  stage(): Promise<AuthorityDescription>;
  /** @throws AuthorityError */
  activate(fingerprint: string | undefined): Promise<AuthorityDescription>;
}

const nothing = z.strictObject({});
const activation = z.strictObject({
  fingerprint: z
    .string()
    .regex(/^[0-9A-Fa-f]{64}$/, 'must be a SHA-256 fingerprint in hexadecimal')
    .transform((text) => text.toUpperCase())
    .optional(),
});

export function authorityRoutes(authorities: AuthorityAdministration): Hono<AdminEnvironment> {
  const routes = new Hono<AdminEnvironment>();
  routes.use(requirePermission('authority'));

  routes.get('/', async (context) => context.json({ authorities: (await authorities.list()).map(described) }));

  routes.post('/stage', async (context) => {
    await readJsonBody(context, nothing);
    const staged = await authorities.stage().catch(asProblem);
    context.var.audit({ action: 'stage authority', target: staged.fingerprint });
    return context.json(described(staged), 201);
  });

  routes.post('/activate', async (context) => {
    const { fingerprint } = await readJsonBody(context, activation);
    const activated = await authorities.activate(fingerprint).catch(asProblem);
    context.var.audit({ action: 'activate authority', target: activated.fingerprint });
    return context.json(described(activated));
  });

  return routes;
}

function asProblem(error: unknown): never {
  if (error instanceof AuthorityError) throw new AdminProblem('admin.conflict', error.message);
  throw error;
}

function described(authority: AuthorityDescription) {
  const { registration, crl } = authority;
  return {
    ...authority,
    notBefore: authority.notBefore.toISOString(),
    notAfter: authority.notAfter.toISOString(),
    addedAt: authority.addedAt.toISOString(),
    activatedAt: authority.activatedAt?.toISOString() ?? null,
    retiredAt: authority.retiredAt?.toISOString() ?? null,
    registration:
      registration === undefined ? null : { ...registration, notAfter: registration.notAfter.toISOString() },
    crl: crl === undefined ? null : { ...crl, nextUpdate: crl.nextUpdate.toISOString() },
    lastCertificateEnd: authority.lastCertificateEnd?.toISOString() ?? null,
  };
}
