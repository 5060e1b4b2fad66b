import type { Context } from 'hono';
import type { FaultyCall } from './faults.ts';
import type { Cut } from './spoilt-bodies.ts';

/** What the host hands to the Microsoft side beside a request. */
export interface HostBindings {
  cut?: Cut | undefined;
}

export function faultyCall(context: Context): FaultyCall {
  // Hono's environment is undefined where the caller handed none in.
  const bindings = context.env as HostBindings | undefined;
  return { request: context.req.raw, cut: bindings?.cut };
}
