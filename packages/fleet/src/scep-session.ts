import { ScepClient } from '@scepter/scep';
import type { Fetch, PlatformHabits } from './platforms/habits.ts';

/** What a simulated device uses of its surroundings. */
export interface Surroundings {
  readonly fetch: Fetch;
  readonly randomBytes: (size: number) => Uint8Array;
  /** For one HTTP request. */
  readonly timeoutMs: number;
}

/** A SCEP client that behaves like the platform's towards one URL of a profile. */
export function openScepSession(url: string, habits: PlatformHabits, surroundings: Surroundings): ScepClient {
  return new ScepClient({
    url,
    fetch: fetchAs(habits, surroundings.fetch),
    randomBytes: surroundings.randomBytes,
    userAgent: habits.userAgent,
    caIdentifier: habits.caIdentifier,
    pathSuffix: url.endsWith(habits.pathSuffix) ? '' : habits.pathSuffix,
    contentType: habits.contentType,
    keyTransport: habits.keyTransport,
    framing: habits.framing,
    post: 'auto',
    timeoutMs: surroundings.timeoutMs,
  });
}

/** Applies the platform's own idea of escaping to the one query that carries a message. */
function fetchAs(habits: PlatformHabits, fetch: Fetch): Fetch {
  return (input, init) => {
    if (input instanceof Request) return fetch(input, init);
    const url = String(input);
    return fetch(url.includes('operation=PKIOperation&') ? habits.escapeQuery(url) : url, init);
  };
}
