import type { Check, CheckGroup, GroupName } from './check.ts';
import { certificateAbuse } from './groups/abuse-certificates.ts';
import { httpAbuse } from './groups/abuse-http.ts';
import { messageAbuse } from './groups/abuse-messages.ts';
import { caCertificates } from './groups/ca-certificates.ts';
import { capabilities } from './groups/capabilities.ts';
import { clients } from './groups/clients.ts';
import { enrollment } from './groups/enrollment.ts';
import { http } from './groups/http.ts';
import { messages } from './groups/messages.ts';
import { pollGroup } from './groups/poll.ts';
import { queryGroup } from './groups/query.ts';
import { renewal } from './groups/renewal.ts';
import { rollover } from './groups/rollover.ts';

/** Every check, in the order in which they run and are reported. */
export const catalogue: readonly CheckGroup[] = [
  http,
  capabilities,
  caCertificates,
  messages,
  enrollment,
  renewal,
  pollGroup,
  queryGroup,
  rollover,
  clients,
  { name: 'abuse', checks: [...messageAbuse, ...certificateAbuse, ...httpAbuse] },
];

/** Whether a filter names this check: by its id or by its group. */
const isNamed = (group: GroupName, { id }: Check, only: readonly string[]): boolean =>
  only.includes(group) || only.includes(id);

/** Names of `only` that mean nothing. */
export const unknownNames = (only: readonly string[]): string[] => {
  const known = new Set<string>(catalogue.flatMap(({ checks, name }) => [name, ...checks.map(({ id }) => id)]));
  return only.filter((name) => !known.has(name));
};

/** What is to run. The group `abuse` runs only on request, also where a filter names it. */
export const selectChecks = (options: {
  readonly only?: readonly string[] | undefined;
  readonly abuse?: boolean | undefined;
}): readonly CheckGroup[] =>
  catalogue
    .filter(({ name }) => name !== 'abuse' || options.abuse === true)
    .map(({ checks, name }) => ({
      name,
      checks:
        options.only === undefined || options.only.length === 0
          ? checks
          : checks.filter((check) => isNamed(name, check, options.only ?? [])),
    }))
    .filter(({ checks }) => checks.length > 0);
