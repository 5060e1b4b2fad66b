/** The control API's part about revocation. */
import { Hono } from 'hono';
import { z } from 'zod';
import { readBody } from './control-body.ts';
import { requestRevocation, type RevocationOptions } from './revocation-requests.ts';
import type { RevocationInput } from './revocation-types.ts';

/** Sent to the CA as it is; the longest issuer that a CA may report. */
const shown = z
  .string()
  .max(2048)
  .regex(/^[^\p{Cc}]*$/u, 'must not hold control characters');
const id = z.string().min(1).max(64);

const revocationBody: z.ZodType<RevocationInput> = z.union([
  z.strictObject({ serialNumber: shown.min(1) }),
  z.strictObject({ serialNumber: shown.min(1), issuerName: shown, caConfiguration: shown.optional() }),
  z.strictObject({ deviceId: id, profileId: id }),
  z.strictObject({ certificateRequestId: id }),
]);

const settingsBody = z.strictObject({
  coolDownMinutes: z.number().min(0).max(100_000).optional(),
  coolDownAnswer: z.enum(['throttled', 'emptyList']).optional(),
  revokeOnRemoval: z.boolean().optional(),
});

export function controlRevocations(options: RevocationOptions): Hono {
  const { records } = options;
  const app = new Hono();
  app.get('/control/revocations', (context) => context.json(records.revocations.list()));
  app.post('/control/revocations', async (context) => {
    const revocation = requestRevocation(await readBody(context, revocationBody), options);
    await records.save();
    return context.json(revocation, 201);
  });
  app.get('/control/revocation-settings', (context) => context.json(records.revocations.settings));
  app.patch('/control/revocation-settings', async (context) => {
    const { coolDownMinutes, coolDownAnswer, revokeOnRemoval } = await readBody(context, settingsBody);
    if (coolDownMinutes !== undefined) records.revocations.changeSettings({ coolDownMinutes });
    if (coolDownAnswer !== undefined) records.revocations.changeSettings({ coolDownAnswer });
    if (revokeOnRemoval !== undefined) records.revocations.changeSettings({ revokeOnRemoval });
    await records.save();
    return context.json(records.revocations.settings);
  });
  return app;
}
