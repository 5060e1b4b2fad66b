/** The part of the composition root that makes the server administrable: the admin API, and the record that leads to it. */
import type { Hono } from 'hono';
import { RECORD_TOKEN_NAME, writeAdminRecord } from '../admin-record.ts';
import { AttemptLimiter } from '../attempt-limiter.ts';
import type { AdminReports } from '../http/admin/admin-app.ts';
import { listenForAdministrators } from '../http/admin/admin-listener.ts';
import { Administrators, permissions } from '../http/admin/administrators.ts';
import type { AdminEnvironment } from '../http/admin/exchange.ts';
import { hostInUrl } from '../ip-address.ts';
import type { Opened } from './opened.ts';
import type { AdminSettings } from '../settings/settings.ts';
import { listenError } from '../startup-error.ts';

export interface AdministrationOptions {
  readonly settings: AdminSettings;
  /** The data folder. */
  readonly folder: string;
  readonly reports: AdminReports;
  readonly now: () => Date;
  readonly randomBytes: (size: number) => Uint8Array;
  /** Groups of routes by the path that they begin with. */
  readonly routes: readonly (readonly [path: string, routes: Hono<AdminEnvironment>])[];
}

/** Administrative requests are short. */
const DRAIN_MS = 5_000;
const WRONG_TOKENS = { attempts: 30, windowMs: 60_000, keys: 10_000 };

/**
 * @returns the URL of the admin API
 * @throws ServerError when it cannot listen
 */
export async function openAdministration(
  { settings, folder, reports, now, randomBytes, routes }: AdministrationOptions,
  opened: Opened,
): Promise<string> {
  const { host, port } = settings.listen;
  const token = Buffer.from(randomBytes(32)).toString('base64url');
  const local = { name: RECORD_TOKEN_NAME, permissions, secret: token };
  const listener = await listenForAdministrators({
    host,
    port,
    administrators: new Administrators([local, ...settings.tokens], randomBytes),
    wrongTokens: new AttemptLimiter({ ...WRONG_TOKENS, now }),
    reports,
    routes,
  }).catch((error: unknown) => {
    throw listenError(error, settings.listen) ?? error;
  });
  opened.add(() => listener.close(DRAIN_MS));
  const url = `http://${hostInUrl(host)}:${listener.port}`;
  opened.add(writeAdminRecord(folder, { url, token, processId: process.pid }));
  return url;
}
