import { CredentialRegister } from './credential-register.ts';
import { EmulatorError } from './errors.ts';
import { newGuid, type RandomBytes } from './identifiers.ts';
import type {
  Assignment,
  CertificateState,
  Device,
  EmulatorState,
  ReceivedNotification,
  ScepProfile,
  Tenant,
} from './model.ts';
import { Revocations } from './revocations.ts';

/** The oldest notifications beyond this many are forgotten; a repeated one is then taken for a new one. */
const maxNotifications = 2000;

/** A request older than this is forgotten as soon as its device has a newer one for the same profile. */
const replacedRequestLifetimeMs = 24 * 60 * 60 * 1000;

/** A new tenant with one application that has both roles a SCEP server needs, and nothing else. */
export function createTenantState(randomBytes: RandomBytes): EmulatorState {
  return {
    formatVersion: 1,
    tenant: {
      tenantId: newGuid(randomBytes),
      tenantName: 'contoso.onmicrosoft.com',
      clientId: newGuid(randomBytes),
      graphRoles: ['Application.Read.All'],
      intuneRoles: ['scep_challenge_provider'],
    },
    profiles: [],
    devices: [],
    assignments: [],
    certificateStates: [],
    notifications: [],
  };
}

/**
 * The emulator's records in memory, indexed. Whoever changes something calls {@link EmulatorRecords.save} before
 * answering, so that every answer is backed by the disk.
 */
export class EmulatorRecords {
  #tenant: Tenant;
  readonly #profiles: Map<string, ScepProfile>;
  readonly #devices: Map<string, Device>;
  readonly #assignments: Map<string, Assignment>;
  readonly #certificateStates = new Map<string, CertificateState>();
  /** Newest request id of each device and profile. */
  readonly #newestRequests = new Map<string, string>();
  /** By the key that makes two deliveries the same notification; in order of arrival. */
  readonly #notifications: Map<string, ReceivedNotification>;
  readonly #persist: (state: EmulatorState) => Promise<void>;
  readonly revocations: Revocations;
  readonly credentials: CredentialRegister;

  constructor(state: EmulatorState, persist: (state: EmulatorState) => Promise<void>) {
    this.#tenant = state.tenant;
    this.#profiles = new Map(state.profiles.map((profile) => [profile.id, profile]));
    this.#devices = new Map(state.devices.map((device) => [device.id, device]));
    this.#assignments = new Map(state.assignments.map((assignment) => [assignmentKey(assignment), assignment]));
    this.#notifications = new Map(
      state.notifications.map((notification) => [notificationKey(notification), notification]),
    );
    for (const certificateState of state.certificateStates) this.putCertificateState(certificateState);
    this.revocations = new Revocations(state.revocations, state.revocationSettings);
    this.credentials = new CredentialRegister(state.credentials);
    this.#persist = persist;
  }

  /** Resolves when everything changed so far is durable. */
  save(): Promise<void> {
    return this.#persist(this.snapshot());
  }

  snapshot(): EmulatorState {
    return {
      formatVersion: 1,
      tenant: this.#tenant,
      profiles: [...this.#profiles.values()],
      devices: [...this.#devices.values()],
      assignments: [...this.#assignments.values()],
      certificateStates: [...this.#certificateStates.values()],
      notifications: [...this.#notifications.values()],
      revocations: this.revocations.list(),
      revocationSettings: this.revocations.settings,
      credentials: this.credentials.snapshot(),
    };
  }

  get tenant(): Tenant {
    return this.#tenant;
  }

  setRoles(roles: { graphRoles: readonly string[]; intuneRoles: readonly string[] }): void {
    this.#tenant = { ...this.#tenant, ...roles };
  }

  profiles(): ScepProfile[] {
    return [...this.#profiles.values()];
  }

  profile(id: string): ScepProfile | undefined {
    return this.#profiles.get(id);
  }

  putProfile(profile: ScepProfile): void {
    this.#profiles.set(profile.id, profile);
  }

  /** Removes a profile with its assignments. @throws EmulatorError `emulator.not_found` */
  deleteProfile(id: string): void {
    if (!this.#profiles.delete(id)) throw notFound('profile', id);
    this.#deleteAssignments((assignment) => assignment.profileId === id);
  }

  devices(): Device[] {
    return [...this.#devices.values()];
  }

  device(id: string): Device | undefined {
    return this.#devices.get(id);
  }

  /** @throws EmulatorError `emulator.not_found` */
  requireDevice(id: string): Device {
    const device = this.#devices.get(id);
    if (device === undefined) throw notFound('device', id);
    return device;
  }

  /** @throws EmulatorError `emulator.not_found` */
  requireProfile(id: string): ScepProfile {
    const profile = this.#profiles.get(id);
    if (profile === undefined) throw notFound('profile', id);
    return profile;
  }

  putDevice(device: Device): void {
    this.#devices.set(device.id, device);
  }

  /** Removes a device with its assignments. @throws EmulatorError `emulator.not_found` */
  deleteDevice(id: string): void {
    if (!this.#devices.delete(id)) throw notFound('device', id);
    this.#deleteAssignments((assignment) => assignment.deviceId === id);
  }

  assignments(): Assignment[] {
    return [...this.#assignments.values()];
  }

  isAssigned(assignment: Assignment): boolean {
    return this.#assignments.has(assignmentKey(assignment));
  }

  assign(assignment: Assignment): void {
    this.#assignments.set(assignmentKey(assignment), assignment);
  }

  /** @throws EmulatorError `emulator.not_found` */
  unassign(assignment: Assignment): void {
    if (!this.#assignments.delete(assignmentKey(assignment))) {
      throw new EmulatorError('emulator.not_found', 'That profile is not assigned to that device.');
    }
  }

  profilesFor(device: Device): ScepProfile[] {
    return this.profiles().filter((profile) => this.isAssigned({ profileId: profile.id, deviceId: device.id }));
  }

  certificateState(certificateRequestId: string): CertificateState | undefined {
    return this.#certificateStates.get(certificateRequestId);
  }

  certificateStates(): CertificateState[] {
    return [...this.#certificateStates.values()];
  }

  /** The newest request of every device and profile. */
  newestCertificateStates(): CertificateState[] {
    return this.certificateStates().filter((state) => this.#isNewest(state));
  }

  newestCertificateState(target: Assignment): CertificateState | undefined {
    const id = this.#newestRequests.get(assignmentKey(target));
    return id === undefined ? undefined : this.#certificateStates.get(id);
  }

  /** Adds or replaces the state of one request; a new request becomes the newest of its device and profile. */
  putCertificateState(state: CertificateState): void {
    if (!this.#certificateStates.has(state.certificateRequestId)) {
      const replaced = this.newestCertificateState(state);
      this.#newestRequests.set(assignmentKey(state), state.certificateRequestId);
      if (replaced !== undefined) this.#forgetReplacedRequests(state);
    }
    this.#certificateStates.set(state.certificateRequestId, state);
  }

  notifications(): ReceivedNotification[] {
    return [...this.#notifications.values()];
  }

  /** Records a notification. A repeated delivery only raises the count of the first. Tells whether it was new. */
  receiveNotification(notification: ReceivedNotification): boolean {
    const key = notificationKey(notification);
    const earlier = this.#notifications.get(key);
    if (earlier !== undefined) {
      this.#notifications.set(key, { ...earlier, timesReceived: earlier.timesReceived + 1 });
      return false;
    }
    this.#notifications.set(key, notification);
    const oldest = this.#notifications.keys().next();
    if (this.#notifications.size > maxNotifications && !oldest.done) this.#notifications.delete(oldest.value);
    return true;
  }

  #isNewest(state: CertificateState): boolean {
    return this.#newestRequests.get(assignmentKey(state)) === state.certificateRequestId;
  }

  #forgetReplacedRequests(newest: CertificateState): void {
    const limit = Date.parse(newest.requestedDateTime) - replacedRequestLifetimeMs;
    for (const [id, state] of this.#certificateStates) {
      if (Date.parse(state.requestedDateTime) >= limit) break;
      if (!this.#isNewest(state)) this.#certificateStates.delete(id);
    }
  }

  #deleteAssignments(matches: (assignment: Assignment) => boolean): void {
    for (const [key, assignment] of this.#assignments) {
      if (matches(assignment)) this.#assignments.delete(key);
    }
  }
}

function assignmentKey(target: { profileId: string; deviceId: string }): string {
  return `${target.profileId} ${target.deviceId}`;
}

/** Two successes are the same when they name the same transaction, request and certificate. */
function notificationKey(notification: ReceivedNotification): string {
  const outcome = notification.kind === 'success' ? notification.certificateThumbprint : '';
  return [notification.kind, notification.transactionId, notification.certificateRequestSha256, outcome].join(' ');
}

function notFound(what: string, id: string): EmulatorError {
  return new EmulatorError('emulator.not_found', `There is no ${what} with the id ${id}.`);
}
