/** The composition root: from settings to a running server. Only here are concrete classes named. */
import { loadOrCreateHierarchy } from '@scepter/ca';
import type { StoredHierarchy } from '@scepter/ca';
import { IntuneClient } from '@scepter/intune';
import { encodeCertsOnly } from '@scepter/scep';
import { decodeCertificate } from '@scepter/x509';
import { createHmac, hkdfSync } from 'node:crypto';
import { openDataFolder } from './data-folder.ts';
import type { DataFolder } from './data-folder.ts';
import type { Authorizer, Endpoint } from './enrollment/endpoint.ts';
import { enroll } from './enrollment/enroll.ts';
import type { EnrollmentParts } from './enrollment/enroll.ts';
import type { IntuneConnection } from './enrollment/intune-connection.ts';
import { CertificateIssuer } from './enrollment/issue.ts';
import { Notifier } from './enrollment/notify.ts';
import { SingleFlight } from './enrollment/single-flight.ts';
import type { StepObserver } from './enrollment/steps.ts';
import { Events } from './events.ts';
import { certificateRoute, crlRoute } from './http/crl-routes.ts';
import { textAnswer } from './http/exchange.ts';
import { listen } from './http/http-server.ts';
import type { ListeningServer } from './http/http-server.ts';
import { ScepRoutes } from './http/scep-routes.ts';
import type { Logger } from './logger.ts';
import { CrlPublisher } from './scheduled/crl-publisher.ts';
import { deliverDueNotifications } from './scheduled/outbox.ts';
import { repeat } from './scheduled/repeat.ts';
import type { Repeated } from './scheduled/repeat.ts';
import { revokeUnclaimed } from './scheduled/revoke-unclaimed.ts';
import { selfTest } from './self-test.ts';
import type { ConnectionSettings, Settings } from './settings/settings.ts';
import { staticChallenge } from './static-challenge.ts';
import { startupError } from './startup-error.ts';
import { createSecretBox } from './store/secret-box.ts';
import { openSqliteStore } from './store/sqlite-store.ts';
import type { Store } from './store/store.ts';
import { WorkerPool } from './workers/worker-pool.ts';

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
  readonly endpoints: readonly { readonly name: string; readonly url: string }[];
  /** DER certificates. */
  readonly authority: {
    readonly rootCertificate: Uint8Array;
    readonly issuingCertificate: Uint8Array;
    readonly registrationCertificate: Uint8Array;
  };
  readonly store: Store;
  /** Requests in work are answered first. */
  close(): Promise<void>;
}

const OUTBOX_INTERVAL_MS = 2_000;
const UNCLAIMED_INTERVAL_MS = 10_000;
const CRL_INTERVAL_MS = 60_000;

/**
 * Starts a server and resolves when it serves.
 *
 * @throws ServerError with a stable code and a hint for the operator; whatever had been opened is closed again
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const opened: (() => Promise<void> | void)[] = [];
  const closeAll = async (): Promise<void> => {
    for (const close of opened.toReversed()) await close();
  };
  try {
    return await compose(options, opened, closeAll);
  } catch (error) {
    await closeAll();
    throw startupError(error, options.settings);
  }
}

async function compose(
  options: ServerOptions,
  opened: (() => Promise<void> | void)[],
  closeAll: () => Promise<void>,
): Promise<RunningServer> {
  const { settings, now, randomBytes } = options;
  const events = new Events(options.logger);

  const folder = openDataFolder(settings.dataFolder, { masterSecret: settings.masterSecret, randomBytes });
  opened.push(() => folder.release());
  const hierarchy = await loadHierarchy(options, folder);
  const store = openSqliteStore({
    path: folder.databasePath,
    secretBox: createSecretBox(folder.masterSecret, randomBytes),
    now,
  });
  opened.push(() => store.close());

  const workers = new WorkerPool({
    keys: {
      issuing: hierarchy.issuing,
      registrations: [hierarchy.registration, ...hierarchy.formerRegistrations],
    },
    workers: settings.limits.workers,
    timeoutMs: settings.limits.workerTimeoutMs,
    onWorkerLost: (error) => events.unexpected('A crypto worker was lost and is replaced.', error),
  });
  opened.push(() => workers.close());
  if (hierarchy.renewalProblem !== undefined) {
    events.unexpected('The RA certificate ends soon and could not be renewed.', hierarchy.renewalProblem);
  }
  await selfTest(workers, hierarchy, randomBytes);

  const connections = openConnections(settings.connections, opened);
  const notifier = new Notifier({ store, connections, now });
  const parts = enrollmentParts(options, { folder, hierarchy, store, workers, notifier, events });
  const crlPublisher = new CrlPublisher({ store, workers, now, crlValidityMs: settings.limits.crlValidityMs });
  await crlPublisher.publishIfDue();

  const listener = await openListener(options, { hierarchy, store, connections, parts, events });
  opened.push(() => listener.close());
  for (const work of schedule(options, { store, notifier, crlPublisher, events })) opened.push(() => work.stop());

  const url = `http://${hostInUrl(settings.listen.host)}:${listener.port}`;
  events.started(url);
  return {
    url,
    endpoints: settings.endpoints.map(({ name }) => ({ name, url: `${url}/scep/${name}` })),
    authority: {
      rootCertificate: hierarchy.root.certificate,
      issuingCertificate: hierarchy.issuing.certificate,
      registrationCertificate: hierarchy.registration.certificate,
    },
    store,
    close: async () => {
      await closeAll();
      events.stopped();
    },
  };
}

function loadHierarchy({ settings, now, randomBytes }: ServerOptions, folder: DataFolder): Promise<StoredHierarchy> {
  return loadOrCreateHierarchy(folder.authorityFolder, {
    secret: folder.masterSecret,
    organization: settings.authority.organization,
    commonNamePrefix: settings.authority.commonNamePrefix,
    crlUrls: [`${settings.publicUrl}/crl/issuing.crl`],
    now: now(),
    randomBytes,
  });
}

function openConnections(
  settings: readonly ConnectionSettings[],
  opened: (() => Promise<void> | void)[],
): ReadonlyMap<string, IntuneConnection> {
  return new Map(
    settings.map((connection) => {
      const client = new IntuneClient({
        tenant: connection.tenantId,
        credential: { clientId: connection.clientId, clientSecret: connection.clientSecret },
        callerInfo: 'Scepter/0.1.0',
        allowLoopback: connection.allowLoopback,
        timeoutMs: connection.timeoutMs,
        ...(connection.authorityUrl === undefined ? {} : { authority: connection.authorityUrl }),
        ...(connection.graphUrl === undefined ? {} : { graphUrl: connection.graphUrl }),
        ...(connection.intuneResource === undefined ? {} : { intuneResource: connection.intuneResource }),
        ...(connection.tlsCa === undefined ? {} : { tls: { ca: connection.tlsCa } }),
      });
      opened.push(() => client.close());
      return [connection.name, { name: connection.name, client }];
    }),
  );
}

function enrollmentParts(
  { now, randomBytes, onStep }: ServerOptions,
  {
    folder,
    hierarchy,
    store,
    workers,
    notifier,
    events,
  }: {
    folder: DataFolder;
    hierarchy: StoredHierarchy;
    store: Store;
    workers: WorkerPool;
    notifier: Notifier;
    events: Events;
  },
): EnrollmentParts {
  const authorities = [hierarchy.root, hierarchy.issuing, hierarchy.registration, ...hierarchy.formerRegistrations];
  const certificates = authorities.map(({ certificate }) => decodeCertificate(certificate));
  return {
    store,
    workers,
    notifier,
    now,
    issuer: new CertificateIssuer({
      store,
      workers,
      issuer: decodeCertificate(hierarchy.issuing.certificate),
      forbiddenKeys: certificates.map(({ publicKey }) => publicKey),
      now,
      randomBytes,
    }),
    singleFlight: new SingleFlight(),
    digestChallenge: challengeDigest(folder.masterSecret),
    onStep: (report) => {
      events.stepFinished(report);
      onStep?.(report);
    },
    onUnexpectedError: (error, context) => events.unexpected('An enrollment failed unexpectedly.', error, context),
  };
}

/** Without the key, the digests in the database do not even confirm a guess. */
function challengeDigest(masterSecret: string): (challenge: string) => string {
  const key = Buffer.from(hkdfSync('sha256', masterSecret, '', 'scepter challenge digest', 32));
  return (challenge) => createHmac('sha256', key).update(challenge, 'utf8').digest('hex');
}

function openListener(
  { settings, randomBytes }: ServerOptions,
  {
    hierarchy,
    store,
    connections,
    parts,
    events,
  }: {
    hierarchy: StoredHierarchy;
    store: Store;
    connections: ReadonlyMap<string, IntuneConnection>;
    parts: EnrollmentParts;
    events: Events;
  },
): Promise<ListeningServer> {
  const files = {
    crl: async () => (await store.latestCrl())?.encoded,
    issuingCertificate: hierarchy.issuing.certificate,
    rootCertificate: hierarchy.root.certificate,
  };
  const scep = new ScepRoutes({
    endpoints: openEndpoints(settings, connections, randomBytes),
    caCertificates: encodeCertsOnly([
      hierarchy.registration.certificate,
      hierarchy.issuing.certificate,
      hierarchy.root.certificate,
    ]),
    enroll: (message, endpoint) => enroll(message, endpoint, parts),
    bodyBytes: settings.limits.bodyBytes,
    concurrentRequests: settings.limits.concurrentRequests,
  });
  return listen({
    ...settings.listen,
    routes: [
      ['/scep/', (request, suffix, query) => scep.handle(request, suffix, query)],
      ['/crl/', (request, name) => crlRoute(request, name, files)],
      ['/ca/', (request, name) => certificateRoute(request, name, files)],
      ['/health', () => textAnswer(200, 'ok')],
    ],
    requestTimeoutMs: settings.limits.requestTimeoutMs,
    onUnexpectedError: (error) => events.unexpected('A request failed unexpectedly.', error),
    onRefused: (answer, address) => events.requestRefused(answer, address),
  });
}

function openEndpoints(
  settings: Settings,
  connections: ReadonlyMap<string, IntuneConnection>,
  randomBytes: ServerOptions['randomBytes'],
): ReadonlyMap<string, Endpoint> {
  const authorizerOf = (endpoint: Settings['endpoints'][number]): Authorizer => {
    if (endpoint.authorizer.kind === 'static-challenge') {
      return { kind: 'static-challenge', accepts: staticChallenge(endpoint.authorizer.challenge, randomBytes) };
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

function schedule(
  { settings, now }: ServerOptions,
  {
    store,
    notifier,
    crlPublisher,
    events,
  }: { store: Store; notifier: Notifier; crlPublisher: CrlPublisher; events: Events },
): Repeated[] {
  const failed = (what: string) => (error: unknown) => events.unexpected(`${what} failed; it is tried again.`, error);
  const publish = async (): Promise<void> => {
    if (await crlPublisher.publishIfDue()) events.crlPublished();
  };
  return [
    repeat(
      OUTBOX_INTERVAL_MS,
      () =>
        deliverDueNotifications({
          store,
          notifier,
          now,
          onAttempt: (notification, result) => events.notificationAttempted(notification, result),
        }),
      failed('Delivering notifications'),
    ),
    repeat(
      UNCLAIMED_INTERVAL_MS,
      async () => {
        const { withheldClaimMs } = settings.limits;
        const onRevoked = events.unclaimedRevoked.bind(events);
        if ((await revokeUnclaimed({ store, now, withheldClaimMs, onRevoked })) > 0) await publish();
      },
      failed('Revoking unclaimed certificates'),
    ),
    repeat(CRL_INTERVAL_MS, publish, failed('Publishing the CRL')),
  ];
}

function hostInUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
