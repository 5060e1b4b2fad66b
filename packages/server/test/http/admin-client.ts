/** The admin API of a laboratory's server, over its socket. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Laboratory } from '../laboratory.ts';

export interface AdminAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

export interface AdminRequest {
  readonly body?: unknown;
  /** Instead of the token of `admin.json`; an empty one sends none. */
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export function adminRecord({ folder }: Pick<Laboratory, 'folder'>): { url: string; token: string; processId: number } {
  return JSON.parse(readFileSync(join(folder, 'data', 'admin.json'), 'utf8')) as ReturnType<typeof adminRecord>;
}

/** @param line method and path: `GET /api/health` */
export async function administer(
  laboratory: Pick<Laboratory, 'folder'>,
  line: string,
  { body, token, headers = {} }: AdminRequest = {},
): Promise<AdminAnswer> {
  const record = adminRecord(laboratory);
  const [method = 'GET', path = '/'] = line.split(' ');
  const bearer = token ?? record.token;
  const response = await fetch(`${record.url}${path}`, {
    method,
    headers: {
      ...(bearer === '' ? {} : { authorization: `Bearer ${bearer}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
  };
}
