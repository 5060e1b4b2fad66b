import { Command, Option } from 'commander';
import { openAdminClient } from '../admin-client.ts';
import { usageError } from '../command-error.ts';
import { printRequest, printRequests } from '../request/print.ts';
import type { ListedRequest } from '../request/print.ts';
import type { Screen } from '../screen.ts';
import { toJsonLine } from '../terminal.ts';
import type { World } from '../world.ts';
import { runningServerOption } from './common-options.ts';

interface RequestOptions {
  readonly config: string;
  readonly json?: true;
}

interface ListOptions extends RequestOptions {
  readonly endpoint?: string;
  readonly state: string;
}

const states = ['pending', 'approved', 'denied', 'expired', 'all'];

const examples = `
On an endpoint whose authorizer is "manual", every new request waits until a
person has decided; the device polls meanwhile (RFC 8894, section 3.3.3).
The server must run on this machine; it is found through --config.

Examples:
  $ scepter request list
  $ scepter request show 7
  $ scepter request approve 7
  $ scepter request deny 8 --reason 'not one of ours'`;

const listExamples = `
Examples:
  $ scepter request list
  $ scepter request list --state all --endpoint routers --json`;

const showExamples = `
Compare the fingerprint of the public key with what the device shows: anybody
can ask for any name.

Examples:
  $ scepter request show 7`;

const approveExamples = `
The device gets its certificate at its next poll, if its certificate profile
still allows it. Of several, it stops at the first that cannot be approved.

Examples:
  $ scepter request approve 7
  $ scepter request approve 7 8 9`;

const denyExamples = `
The device is told that its request is refused, and not why. An approved request
can be denied as long as its certificate is not issued.

Examples:
  $ scepter request deny 8 --reason 'not one of ours'`;

/** `scepter request`: requests that wait for a person. */
export function requestCommand(world: World, screen: Screen): Command {
  return new Command('request')
    .summary('list, approve and deny requests that wait for a person')
    .description('Shows the requests that wait for a person, and decides on them.')
    .addHelpText('after', examples)
    .helpCommand(false)
    .addCommand(listCommand(world, screen))
    .addCommand(showCommand(world, screen))
    .addCommand(approveCommand(world, screen))
    .addCommand(denyCommand(world, screen));
}

function listCommand(world: World, screen: Screen): Command {
  return new Command('list')
    .summary('show the requests that wait')
    .description('Shows the requests that wait for a person, the newest first.')
    .addOption(new Option('--state <state>', 'those in this state').choices(states).default('pending'))
    .option('--endpoint <name>', 'only those of this endpoint')
    .option('--json', 'print a JSON array')
    .addOption(runningServerOption())
    .addHelpText('after', listExamples)
    .action(async ({ config, endpoint, json, state }: ListOptions) => {
      const admin = await openAdminClient(config, world);
      const query = { endpoint, state: state === 'all' ? undefined : state, limit: '1000' };
      const { requests } = (await admin.get('/api/requests', query)) as { requests: ListedRequest[] };
      if (json) screen.out.raw(toJsonLine(requests));
      else printRequests(screen.out, requests);
    });
}

function showCommand(world: World, screen: Screen): Command {
  return new Command('show')
    .summary('show one request with all its names')
    .description('Shows what one request asks for.')
    .argument('<id>', 'as list shows it')
    .option('--json', 'print one JSON object')
    .addOption(runningServerOption())
    .addHelpText('after', showExamples)
    .action(async (id: string, { config, json }: RequestOptions) => {
      const admin = await openAdminClient(config, world);
      const request = (await admin.get(`/api/requests/${checkId(id)}`)) as ListedRequest;
      if (json) screen.out.raw(toJsonLine(request));
      else printRequest(screen.out, request);
    });
}

function approveCommand(world: World, screen: Screen): Command {
  return new Command('approve')
    .summary('let a request have its certificate')
    .description('Approves requests: the devices get their certificates when they ask again.')
    .argument('<id...>', 'as list shows them')
    .addOption(runningServerOption())
    .addHelpText('after', approveExamples)
    .action(async (ids: string[], { config }: RequestOptions) => {
      const paths = ids.map((id) => `/api/requests/${checkId(id)}/approve`);
      const admin = await openAdminClient(config, world);
      for (const path of paths) {
        const { id, subject } = (await admin.post(path)) as ListedRequest;
        screen.out.text(`Request ${id} is approved: ${subject}`, { hanging: 2 });
      }
    });
}

function denyCommand(world: World, screen: Screen): Command {
  return new Command('deny')
    .summary('refuse a request for ever')
    .description('Denies requests: the devices are refused when they ask again.')
    .argument('<id...>', 'as list shows them')
    .option('--reason <text>', 'for the record; the device is not told')
    .addOption(runningServerOption())
    .addHelpText('after', denyExamples)
    .action(async (ids: string[], { config, reason }: RequestOptions & { readonly reason?: string }) => {
      const paths = ids.map((id) => `/api/requests/${checkId(id)}/deny`);
      const admin = await openAdminClient(config, world);
      for (const path of paths) {
        const { id, subject } = (await admin.post(path, reason === undefined ? {} : { reason })) as ListedRequest;
        screen.out.text(`Request ${id} is denied: ${subject}`, { hanging: 2 });
      }
    });
}

function checkId(text: string): string {
  if (/^[1-9]\d{0,14}$/u.test(text)) return text;
  throw usageError(
    `${JSON.stringify(text)} is not the id of a request.`,
    'It is a number; `scepter request list` shows it.',
  );
}
