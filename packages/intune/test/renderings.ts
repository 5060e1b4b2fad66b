/** How an error or a client might end up in a log, and whether a secret does with it. */
import assert from 'node:assert/strict';
import { inspect } from 'node:util';

/** Every way in which a log might render a value. */
export function renderings(value: unknown): string {
  const deep = { depth: 20, showHidden: true, getters: true, maxStringLength: null } as const;
  const members: string[] = [];
  for (let error = value; error instanceof Error; error = error.cause) {
    members.push(String(error), error.stack ?? '', JSON.stringify(error));
    members.push(JSON.stringify(error, Object.getOwnPropertyNames(error)));
  }
  return [inspect(value, deep), JSON.stringify(value), String(value), ...members].join('\n');
}

/** A part of this length gives a secret away. */
const tellingLength = 24;

/** Neither a secret nor a telling part of it shows; canaries are words that only secrets contain. */
export function assertShowsNoSecret(value: unknown, secrets: Readonly<Record<string, string>>): void {
  const rendered = renderings(value);
  for (const [name, secret] of Object.entries(secrets)) {
    for (let start = 0; start === 0 || start + tellingLength <= secret.length; start += tellingLength) {
      assert.ok(
        !rendered.includes(secret.slice(start, start + tellingLength)),
        `A part of ${name} shows in:\n${rendered}`,
      );
    }
  }
  assert.ok(!rendered.includes('CANARY'), `A canary shows in:\n${rendered}`);
}
