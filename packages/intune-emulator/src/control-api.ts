/**
 * The control API: what an administrator does in Intune's portal, what a device does when it checks in, and the
 * switches of the emulator itself. It hands out the client secret, so it answers loopback callers only.
 */
import { Hono, type Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { z } from 'zod';
import { parse, readBody } from './control-body.ts';
import { controlCredentials } from './control-credentials.ts';
import { controlRevocations } from './control-revocations.ts';
import { faultBody, faultOperation } from './fault-schemas.ts';
import { needsNewCertificates, revokeOnRemoval } from './revocation-requests.ts';
import { certificateReport, recordDeviceReport } from './certificate-states.ts';
import type { ChallengeAuthority } from './challenge.ts';
import { checkIn, issueUnboundChallenges, refuseUnparsableCertificate, refuseUnparsableSubject } from './check-in.ts';
import {
  assignmentBody,
  challengeBody,
  deviceBody,
  permissionsBody,
  profileBody,
  reportBody,
} from './control-schemas.ts';
import type { Connection } from './control-types.ts';
import { EmulatorError } from './errors.ts';
import { newGuid } from './identifiers.ts';
import { managedIdentityApp, type ManagedIdentityOptions } from './managed-identity.ts';
import type { Device, ScepProfile } from './model.ts';
import { subjectNameFormatStrings, unknownVariables } from './profiles.ts';

export interface ControlApiOptions extends ManagedIdentityOptions {
  challenges: ChallengeAuthority;
  connection: () => Connection;
}

const maxControlBytes = 1024 * 1024;

export function controlApp(options: ControlApiOptions): Hono {
  const app = new Hono();
  app.use(async (context, next) => {
    const refused = refuseBrowser(context);
    if (refused === undefined) await next();
    return refused;
  });
  app.use(bodyLimit({ maxSize: maxControlBytes, onError: () => errorResponse(413, 'emulator.invalid', 'Too large.') }));
  app.get('/control/connection', (context) => context.json(options.connection()));
  addProfileRoutes(app, options);
  addDeviceRoutes(app, options);
  addAssignmentRoutes(app, options);
  addReportRoutes(app, options);
  addFaultRoutes(app, options);
  app.route('/', controlRevocations(options));
  app.route('/', managedIdentityApp(options));
  app.route('/', controlCredentials(options));
  app.notFound((context) => errorResponse(404, 'emulator.not_found', `There is no ${context.req.path} here.`));
  app.onError(controlError);
  return app;
}

function addProfileRoutes(app: Hono, options: ControlApiOptions): void {
  const { records, now, randomBytes } = options;
  app.get('/control/profiles', (context) => context.json(records.profiles()));
  app.post('/control/profiles', async (context) => {
    const input = checkProfile(await readBody(context, profileBody));
    const created = now().toISOString();
    const id = newGuid(randomBytes);
    records.putProfile({ id, ...input, createdDateTime: created, lastModifiedDateTime: created, version: 1 });
    await records.save();
    return context.json({ id }, 201);
  });
  app.put('/control/profiles/:id', async (context) => {
    const input = checkProfile(await readBody(context, profileBody));
    const before = records.requireProfile(context.req.param('id'));
    const { id, createdDateTime, version } = before;
    const lastModifiedDateTime = now().toISOString();
    const after = { id, ...input, createdDateTime, lastModifiedDateTime, version: version + 1 };
    records.putProfile(after);
    if (needsNewCertificates(before, after)) revokeOnRemoval({ profileId: id }, 'profileChanged', options);
    await records.save();
    return context.json({ id });
  });
  app.delete('/control/profiles/:id', async (context) => {
    const profileId = context.req.param('id');
    records.deleteProfile(profileId);
    revokeOnRemoval({ profileId }, 'profileDeleted', options);
    await records.save();
    return context.body(null, 204);
  });
}

type CheckedProfile = Omit<ScepProfile, 'id' | 'createdDateTime' | 'lastModifiedDateTime' | 'version'>;

/** Refuses what the portal would refuse. @throws EmulatorError `emulator.invalid` */
function checkProfile(input: z.infer<typeof profileBody>): CheckedProfile {
  const { subjectNameFormat } = input;
  const subjectNameFormatString =
    subjectNameFormat === 'custom' ? input.subjectNameFormatString : subjectNameFormatStrings[subjectNameFormat];
  if (subjectNameFormatString === undefined) {
    throw new EmulatorError('emulator.invalid', 'A custom subject name needs a subjectNameFormatString.');
  }
  refuseUnknownVariables([subjectNameFormatString, ...input.subjectAlternativeNames.map(({ name }) => name)]);
  refuseUnparsableSubject(subjectNameFormatString.replaceAll(/\{\{[^{}]*\}\}/gu, 'x'));
  refuseUnparsableCertificate(input.rootCertificate);
  return { ...input, subjectNameFormatString };
}

function refuseUnknownVariables(formats: readonly string[]): void {
  const unknown = formats.flatMap(unknownVariables);
  if (unknown.length === 0) return;
  throw new EmulatorError(
    'emulator.invalid',
    `There is no variable ${unknown.map((name) => `{{${name}}}`).join(', ')}.`,
  );
}

function addDeviceRoutes(app: Hono, options: ControlApiOptions): void {
  const { records, now, randomBytes } = options;
  app.get('/control/devices', (context) => context.json(records.devices()));
  app.post('/control/devices', async (context) => {
    const input = await readBody(context, deviceBody);
    const device: Device = {
      ...input,
      id: newGuid(randomBytes),
      azureADDeviceId: input.azureADDeviceId ?? newGuid(randomBytes),
      user: { ...input.user, id: input.user.id ?? newGuid(randomBytes) },
    };
    records.putDevice(device);
    await records.save();
    return context.json({ id: device.id }, 201);
  });
  app.delete('/control/devices/:id', async (context) => {
    const deviceId = context.req.param('id');
    records.deleteDevice(deviceId);
    revokeOnRemoval({ deviceId }, 'deviceDeleted', options);
    await records.save();
    return context.body(null, 204);
  });
  app.post('/control/devices/:id/check-in', async (context) => {
    const result = checkIn(records.requireDevice(context.req.param('id')), options);
    await records.save();
    return context.json(result);
  });
  app.post('/control/devices/:id/report', async (context) => {
    const report = await readBody(context, reportBody);
    recordDeviceReport(records, records.requireDevice(context.req.param('id')).id, report, now());
    await records.save();
    return context.body(null, 204);
  });
}

function addAssignmentRoutes(app: Hono, options: ControlApiOptions): void {
  const { records } = options;
  app.get('/control/assignments', (context) => context.json(records.assignments()));
  app.post('/control/assignments', async (context) => {
    const assignment = await readBody(context, assignmentBody);
    const profile = records.requireProfile(assignment.profileId);
    const device = records.requireDevice(assignment.deviceId);
    if (profile.platform !== device.platform) {
      const message = `A profile for ${profile.platform} does not apply to a device of ${device.platform}.`;
      throw new EmulatorError('emulator.invalid', message);
    }
    records.assign(assignment);
    await records.save();
    return context.body(null, 204);
  });
  app.delete('/control/assignments', async (context) => {
    const assignment = await readBody(context, assignmentBody);
    records.unassign(assignment);
    revokeOnRemoval(assignment, 'unassigned', options);
    await records.save();
    return context.body(null, 204);
  });
}

function addReportRoutes(app: Hono, options: ControlApiOptions): void {
  const { records } = options;
  app.get('/control/reports', (context) => context.json(certificateReport(records)));
  app.get('/control/notifications', (context) => context.json(records.notifications()));
  app.post('/control/challenges', async (context) => {
    const input = await readBody(context, challengeBody);
    return context.json({ challenges: issueUnboundChallenges(input, options) });
  });
}

function addFaultRoutes(app: Hono, { records, faults }: ControlApiOptions): void {
  app.get('/control/faults', (context) => context.json(faults.list()));
  app.put('/control/faults', async (context) => {
    faults.set(await readBody(context, faultBody));
    return context.body(null, 204);
  });
  app.delete('/control/faults', (context) => {
    const operation = context.req.query('operation');
    faults.clear(operation === undefined ? undefined : parse(faultOperation, operation));
    return context.body(null, 204);
  });
  app.put('/control/permissions', async (context) => {
    const { graph, intune } = await readBody(context, permissionsBody);
    records.setRoles({ graphRoles: graph, intuneRoles: intune });
    await records.save();
    return context.body(null, 204);
  });
}

/**
 * A web page in the user's browser can send requests to loopback addresses: by a foreign `Origin`, or by a host name of
 * its own that resolves to 127.0.0.1. Both are refused.
 */
function refuseBrowser(context: Context): Response | undefined {
  const { hostname } = new URL(context.req.url);
  const isLoopback = hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/u.test(hostname);
  if (isLoopback && context.req.header('origin') === undefined) return undefined;
  return errorResponse(403, 'emulator.invalid', 'The control API answers local programs only, not web pages.');
}

function controlError(error: Error): Response {
  if (error instanceof EmulatorError && error.code === 'emulator.disconnect') throw error;
  if (!(error instanceof EmulatorError)) {
    return errorResponse(500, 'emulator.unexpected_answer', 'The emulator failed to answer this request.');
  }
  if (error.code === 'emulator.not_found') return errorResponse(404, error.code, error.message);
  if (error.code === 'emulator.invalid') return errorResponse(400, error.code, error.message);
  return errorResponse(500, error.code, [error.message, error.hint].filter(Boolean).join(' '));
}

function errorResponse(status: number, code: string, message: string): Response {
  return Response.json({ error: { code, message } }, { status });
}
