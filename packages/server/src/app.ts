/** The composition root: from settings to a running server. Only here are concrete classes named. */
import { loadOrCreateHierarchy } from '@scepter/ca';
import type { StoredHierarchy } from '@scepter/ca';
import { IntuneClient } from '@scepter/intune';
import type { IntuneEvent } from '@scepter/intune';
import { encodeCertsOnly } from '@scepter/scep';
import { decodeCertificate, thumbprint } from '@scepter/x509';
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
import { healthRoute } from './http/health-route.ts';
import { listen } from './http/http-server.ts';
import type { ListeningServer } from './http/http-server.ts';
import { ScepRoutes } from './http/scep-routes.ts';
import { intuneOptions } from './intune-options.ts';
import type { Logger } from './logger.ts';
import { Opened } from './opened.ts';
import { CrlPublisher } from './scheduled/crl-publisher.ts';
import { schedule } from './scheduled/schedule.ts';
import { selfTest } from './self-test.ts';
import type { Settings } from './settings/settings.ts';
import { staticChallenge } from './static-challenge.ts';
import { authorityLost, startupError } from './startup-error.ts';
import type { Store } from './store/store.ts';
import { openThreadedStore } from './store/threaded-store.ts';
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
  const hierarchy = await openHierarchy(options, folder, store, events);

  const workers = new WorkerPool({
    keys: {
      issuing: hierarchy.issuing,
      registrations: [hierarchy.registration, ...hierarchy.formerRegistrations],
    },
    workers: settings.limits.workers,
    timeoutMs: settings.limits.workerTimeoutMs,
    onWorkerLost: (error) => events.unexpected('A crypto worker was lost and is replaced.', error),
  });
  opened.add(() => workers.close());
  await selfTest(workers, hierarchy, randomBytes);

  const inWork = new Set<Promise<unknown>>();
  opened.add(async () => void (await Promise.allSettled(inWork)));
  const connections = openConnections(options, opened, events);
  const notifier = new Notifier({ store, connections, now });
  const parts = enrollmentParts(options, { folder, hierarchy, store, workers, notifier, events });
  const crlPublisher = new CrlPublisher({ store, workers, now, crlValidityMs: settings.limits.crlValidityMs });
  // Without a new CRL there may still be a valid one; devices are served either way.
  await crlPublisher.publishIfDue().catch((error: unknown) => events.unexpected('No CRL could be published.', error));

  const scheduled = schedule({
    store,
    connections: connections.keys(),
    notifier,
    crlPublisher,
    registrationNotAfter: decodeCertificate(hierarchy.registration.certificate).notAfter,
    withheldClaimMs: settings.limits.withheldClaimMs,
    now,
    events,
  });
  opened.add(async () => void (await Promise.all(scheduled.map((work) => work.stop()))));
  const listener = await openListener(options, { hierarchy, store, connections, parts, events, inWork });
  opened.add(() => listener.close(drainMs(settings)));

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
      await opened.close();
      events.stopped();
    },
  };
}

/** A request asks Intune twice at most: to validate, and to accept the success. */
function drainMs({ connections }: Settings): number {
  return 5_000 + 2 * Math.max(0, ...connections.map(({ timeoutMs }) => timeoutMs));
}

/** The store belongs to one CA: without the other, neither may go on as if it were new. */
async function openHierarchy(
  options: ServerOptions,
  folder: DataFolder,
  store: Store,
  events: Events,
): Promise<StoredHierarchy> {
  const bound = await store.boundAuthority();
  if (bound !== undefined && !folder.hasAuthority) throw authorityLost(folder.path);
  const hierarchy = await loadHierarchy(options, folder);
  const fingerprint = thumbprint(hierarchy.issuing.certificate, 'sha256');
  if (bound !== undefined && bound !== fingerprint) throw authorityLost(folder.path);
  if (bound === undefined) await store.bindAuthority(fingerprint);
  if (hierarchy.renewalProblem !== undefined) {
    events.unexpected('The RA certificate ends soon and could not be renewed.', hierarchy.renewalProblem);
  }
  return hierarchy;
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
      withheldClaimMs: settings.limits.withheldClaimMs,
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
function challengeDigest(masterSecret: string): (challenge: Uint8Array) => string {
  const key = Buffer.from(hkdfSync('sha256', masterSecret, '', 'scepter challenge digest', 32));
  return (challenge) => createHmac('sha256', key).update(challenge).digest('hex');
}

function openListener(
  { settings, randomBytes }: ServerOptions,
  {
    hierarchy,
    store,
    connections,
    parts,
    events,
    inWork,
  }: {
    hierarchy: StoredHierarchy;
    store: Store;
    connections: ReadonlyMap<string, IntuneConnection>;
    parts: EnrollmentParts;
    events: Events;
    /** Enrollments that the store must not be closed under. */
    inWork: Set<Promise<unknown>>;
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
    enroll: (message, endpoint) => {
      const enrollment = enroll(message, endpoint, parts);
      inWork.add(enrollment);
      return enrollment.finally(() => inWork.delete(enrollment));
    },
    bodyBytes: settings.limits.bodyBytes,
    concurrentRequests: settings.limits.concurrentRequests,
  });
  return listen({
    ...settings.listen,
    routes: [
      ['/scep/', (request, suffix, query) => scep.handle(request, suffix, query)],
      ['/crl/', (request, name) => crlRoute(request, name, files)],
      ['/ca/', (request, name) => certificateRoute(request, name, files)],
      ['/health', (_request, suffix) => healthRoute(suffix, store)],
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

function hostInUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
