/** The control API's part about what the application signs in with. */
import { Hono } from 'hono';
import { z } from 'zod';
import { readBody } from './control-body.ts';
import type { ApplicationSecretInput, FederatedCredentialInput } from './credential-types.ts';
import type { RandomBytes } from './identifiers.ts';
import type { EmulatorRecords } from './state.ts';

export interface ControlCredentialsOptions {
  records: EmulatorRecords;
  now: () => Date;
  randomBytes: RandomBytes;
}

const secretBody: z.ZodType<ApplicationSecretInput> = z.strictObject({
  endDateTime: z.iso.datetime({ offset: true }).optional(),
});

const certificateBody = z.strictObject({ certificate: z.string().max(65_536) });

const claim = z
  .string()
  .min(1)
  .max(600)
  .regex(/^[^\p{Cc}]*$/u, 'must not hold control characters');

const federatedBody: z.ZodType<FederatedCredentialInput> = z.strictObject({
  issuer: claim,
  subject: claim,
  audience: claim.optional(),
  publicKeyPem: z.string().max(65_536).optional(),
  jwks: z.object({ keys: z.array(z.record(z.string(), z.unknown())).min(1).max(20) }).optional(),
});

export function controlCredentials({ records, now, randomBytes }: ControlCredentialsOptions): Hono {
  const { credentials } = records;
  const app = new Hono();
  app.get('/control/application/secrets', (context) => context.json(credentials.secrets()));
  app.post('/control/application/secrets', async (context) => {
    const { endDateTime } = await readBody(context, secretBody);
    const added = credentials.addSecret(endDateTime, { now: now(), randomBytes });
    await records.save();
    return context.json(added, 201);
  });
  app.delete('/control/application/secrets/:id', async (context) => {
    credentials.removeSecret(context.req.param('id'));
    await records.save();
    return context.body(null, 204);
  });
  app.get('/control/application/certificates', (context) => context.json(credentials.certificates()));
  app.post('/control/application/certificates', async (context) => {
    const added = credentials.addCertificate((await readBody(context, certificateBody)).certificate);
    await records.save();
    return context.json(added, 201);
  });
  app.delete('/control/application/certificates/:thumbprint', async (context) => {
    credentials.removeCertificate(context.req.param('thumbprint'));
    await records.save();
    return context.body(null, 204);
  });
  app.get('/control/application/federated-credentials', (context) => context.json(credentials.federated()));
  app.put('/control/application/federated-credentials', async (context) => {
    const credential = credentials.setFederated(await readBody(context, federatedBody), randomBytes);
    await records.save();
    return context.json(credential);
  });
  app.delete('/control/application/federated-credentials/:id', async (context) => {
    credentials.removeFederated(context.req.param('id'));
    await records.save();
    return context.body(null, 204);
  });
  return app;
}
