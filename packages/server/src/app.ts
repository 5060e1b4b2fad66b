/** The composition root: from settings to a running server. Only here are concrete classes named. */
import { IntuneClient } from '@scepter/intune';
import type { IntuneEvent } from '@scepter/intune';
import { openAdministration } from './composition/administration.ts';
import { openChallengeAuthorizer, openChallenges } from './composition/challenges.ts';
import type { Challenges } from './composition/challenges.ts';
import type { Authorities } from './authorities/authorities.ts';
import type { AuthoritySet } from './authorities/authority-set.ts';
import { openCertificationAuthority } from './composition/certification-authority.ts';
import type { CertificationAuthority } from './composition/certification-authority.ts';
import { openDataFolder } from './data-folder.ts';
import { Approvals } from './enrollment/approvals.ts';
import type { Authorizer, Endpoint } from './enrollment/endpoint.ts';
import { enroll } from './enrollment/enroll.ts';
import type { EnrollmentParts } from './enrollment/enroll.ts';
import type { IntuneConnection } from './enrollment/intune-connection.ts';
import { CertificateIssuer } from './enrollment/issue.ts';
import { Notifier } from './enrollment/notify.ts';
import { SingleFlight } from './enrollment/single-flight.ts';
import type { StepObserver } from './enrollment/steps.ts';
import { Events } from './events.ts';
import { challengeRoutes } from './http/admin/challenges.ts';
import { requestRoutes } from './http/admin/requests.ts';
import { authorityRoutes } from './http/admin/authorities.ts';
import { isBuiltInPath } from './http/built-in-paths.ts';
import { certificateRoute, crlRoute } from './http/crl-routes.ts';
import { textAnswer } from './http/exchange.ts';
import { healthRoute } from './http/health-route.ts';
import { listen } from './http/http-server.ts';
import type { ListeningServer, Route } from './http/http-server.ts';
import { Guard } from './http/limits/guard.ts';
import { ScepRoutes } from './http/scep-routes.ts';
import { intuneOptions } from './composition/intune-options.ts';
import { hostInUrl } from './ip-address.ts';
import type { Logger } from './logger.ts';
import { Opened } from './composition/opened.ts';
import { schedule } from './scheduled/schedule.ts';
import type { Settings } from './settings/settings.ts';
import { startupError } from './startup-error.ts';
import type { Store } from './store/store.ts';
import { openThreadedStore } from './store/threaded-store.ts';
import type { RenewableWorkers } from './workers/renewable-workers.ts';

const DAY_MS = 86_400_000;

export interface ServerOptions {
  readonly settings: Settings;
  readonly now: () => Date;
  readonly randomBytes: (size: number) => Uint8Array;
  readonly logger: Logger;
  /** Called synchronously at the boundary behind each step of every enrollment. */
  readonly onStep?: StepObserver;
}

export interface RunningServer {
  /** Where it listens. */
  readonly url: string;
  /** Where the admin API listens; `admin.json` in the data folder has a token for it. */
  readonly adminUrl: string;
  readonly endpoints: readonly { readonly name: string; readonly url: string }[];
  /** DER certificates of the CA that is current when they are asked for. */
  readonly authority: {
    readonly rootCertificate: Uint8Array;
    readonly issuingCertificate: Uint8Array;
    readonly registrationCertificate: Uint8Array;
  };
  readonly store: Store;
  /** Requests in work are answered first. */
  close(): Promise<void>;
}

/**
 * Starts a server and resolves when it serves.
 *
 * @throws ServerError with a stable code and a hint for the operator; whatever had been opened is closed again
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const opened = new Opened();
  try {
    return await compose(options, opened);
  } catch (error) {
    // What keeps the server from starting matters more than what then fails to close.
    await opened.close().catch(() => undefined);
    throw startupError(error, options.settings);
  }
}

async function compose(options: ServerOptions, opened: Opened): Promise<RunningServer> {
  const { settings, now, randomBytes } = options;
  const events = new Events(options.logger);

  const folder = openDataFolder(settings.dataFolder, { masterSecret: settings.masterSecret, randomBytes });
  opened.add(() => folder.release());
  const store = await openThreadedStore({ path: folder.databasePath, masterSecret: folder.masterSecret });
  opened.add(() => store.close());
  const ca = await openCertificationAuthority(
    { settings, folder, store, events, now, randomBytes, onChanged: () => scheduled.crlIsDue() },
    opened,
  );
  const { authorities, workers, crlPublisher } = ca;

  const inWork = new Set<Promise<unknown>>();
  opened.add(async () => void (await Promise.allSettled(inWork)));
  const connections = openConnections(options, opened, events);
  const notifier = new Notifier({ store, connections, now });
  const challenges = openChallenges({ settings, store, masterSecret: folder.masterSecret, events, now, randomBytes });
  const parts = enrollmentParts(options, { authorities, store, workers, notifier, challenges, events });
  const scheduled = schedule({
    store,
    connections: connections.keys(),
    notifier,
    crlPublisher,
    authorityNotAfter: () => authorities.set.current.certificate.notAfter,
    registrationNotAfter: () => authorities.set.current.registration.notAfter,
    withheldClaimMs: settings.limits.withheldClaimMs,
    now,
    events,
  });
  opened.add(() => scheduled.stop());
  const listener = await openListener(options, { ca, store, connections, parts, events, inWork });
  opened.add(() => listener.close(drainMs(settings)));
  const routes = [
    ['/api/authorities', authorityRoutes(ca.administration)],
    ['/api/challenges', challengeRoutes(challenges.issued)],
    ['/api/requests', requestRoutes(new Approvals({ store, now }))],
  ] as const;
  const adminUrl = await openAdministration(
    { settings: settings.admin, folder: folder.path, reports: events, now, randomBytes, routes },
    opened,
  );

  const url = `http://${hostInUrl(settings.listen.host)}:${listener.port}`;
  events.started(url);
  return {
    url,
    adminUrl,
    endpoints: settings.endpoints.map(({ name }) => ({ name, url: `${url}/scep/${name}` })),
    get authority() {
      return certificatesOf(authorities.set);
    },
    store,
    close: async () => {
      await opened.close();
      events.stopped();
    },
  };
}

function certificatesOf({ root, current }: AuthoritySet): RunningServer['authority'] {
  return {
    rootCertificate: root.encoded,
    issuingCertificate: current.certificate.encoded,
    registrationCertificate: current.registration.encoded,
  };
}

/** A request asks Intune twice at most: to validate, and to accept the success. */
function drainMs({ connections }: Settings): number {
  return 5_000 + 2 * Math.max(0, ...connections.map(({ timeoutMs }) => timeoutMs));
}

function openConnections(
  { settings, now }: ServerOptions,
  opened: Opened,
  events: Events,
): ReadonlyMap<string, IntuneConnection> {
  return new Map(
    settings.connections.map((connection) => {
      const { name } = connection;
      const onEvent = (event: IntuneEvent): void => events.connectionReported(name, event);
      const client = new IntuneClient({ ...intuneOptions(connection, now), onEvent });
      opened.add(() => client.close());
      return [name, { name, client }];
    }),
  );
}

function enrollmentParts(
  { settings, now, randomBytes, onStep }: ServerOptions,
  {
    authorities,
    store,
    workers,
    notifier,
    challenges,
    events,
  }: {
    authorities: Authorities;
    store: Store;
    workers: RenewableWorkers;
    notifier: Notifier;
    challenges: Challenges;
    events: Events;
  },
): EnrollmentParts {
  return {
    store,
    workers,
    notifier,
    now,
    authorities,
    issuer: new CertificateIssuer({
      store,
      workers,
      authorities,
      withheldClaimMs: settings.limits.withheldClaimMs,
      now,
      randomBytes,
    }),
    singleFlight: new SingleFlight(),
    challengeDigests: challenges.digests,
    challenges: challenges.verifier,
    onStep: (report) => {
      events.stepFinished(report);
      onStep?.(report);
    },
    onUnexpectedError: (error, context) => events.unexpected('An enrollment failed unexpectedly.', error, context),
  };
}

function openListener(
  { settings, randomBytes }: ServerOptions,
  {
    ca: { authorities, files },
    store,
    connections,
    parts,
    events,
    inWork,
  }: {
    ca: CertificationAuthority;
    store: Store;
    connections: ReadonlyMap<string, IntuneConnection>;
    parts: EnrollmentParts;
    events: Events;
    /** Enrollments that the store must not be closed under. */
    inWork: Set<Promise<unknown>>;
  },
): Promise<ListeningServer> {
  const guard = new Guard({
    limits: settings.limits,
    trustedProxies: settings.listen.trustedProxies,
    onLimitReached: (limit, address) => events.limitReached(limit, address),
    monotonicMs: () => performance.now(),
  });
  const scep = new ScepRoutes({
    endpoints: openEndpoints(settings, connections, randomBytes),
    caCertificates: (endpoint) => authorities.set.caCertificates(endpoint.caCertificates),
    nextCaCertificates: () => authorities.set.nextCaCertificates,
    enroll: (message, endpoint, sender) => {
      const enrollment = enroll(message, endpoint, sender, parts);
      inWork.add(enrollment);
      return enrollment.finally(() => inWork.delete(enrollment));
    },
    ...settings.limits,
    guard,
  });
  return listen({
    ...settings.listen,
    limits: settings.limits,
    guard,
    routes: [
      ['/scep/', (request, suffix, query, client) => scep.handle(request, suffix, query, client)],
      ['/crl/', (request, name) => crlRoute(request, name, files)],
      ['/ca/', (request, name) => certificateRoute(request, name, files)],
      ['/health', (_request, suffix) => healthRoute(suffix, store)],
      ...builtInPathRoutes(settings, scep),
    ],
    onUnexpectedError: (error) => events.unexpected('A request failed unexpectedly.', error),
    onRefused: (answer, address) => events.requestRefused(answer, address),
  });
}

/** RFC 8894 4.1. */
function builtInPathRoutes({ defaultEndpoint }: Settings, scep: ScepRoutes): (readonly [string, Route])[] {
  if (defaultEndpoint === undefined) return [];
  const route: Route = (request, path, query, client) =>
    isBuiltInPath(path) ? scep.handle(request, defaultEndpoint, query, client) : textAnswer(404, 'Not found.');
  return [['', route]];
}

function openEndpoints(
  settings: Settings,
  connections: ReadonlyMap<string, IntuneConnection>,
  randomBytes: ServerOptions['randomBytes'],
): ReadonlyMap<string, Endpoint> {
  const authorizerOf = (endpoint: Settings['endpoints'][number]): Authorizer => {
    if (endpoint.authorizer.kind === 'static-challenge' || endpoint.authorizer.kind === 'one-time-challenge') {
      return openChallengeAuthorizer(endpoint.authorizer, randomBytes);
    }
    if (endpoint.authorizer.kind === 'manual') {
      const { pendingDays, ...authorizer } = endpoint.authorizer;
      return { ...authorizer, pendingMs: pendingDays * DAY_MS };
    }
    const connection = connections.get(endpoint.authorizer.connection);
    if (connection === undefined)
      throw new Error(`No connection for endpoint ${endpoint.name}: the settings were not checked.`);
    return { kind: 'intune', connection };
  };
  return new Map(
    settings.endpoints.map((endpoint) => [endpoint.name, { ...endpoint, authorizer: authorizerOf(endpoint) }]),
  );
}
