import type {
  CertificateReportRow,
  ChallengeInput,
  CheckIn,
  Connection,
  DeviceInput,
  DeviceReport,
  Permissions,
  ProfileInput,
} from './control-types.ts';
import type {
  ApplicationCertificate,
  ApplicationSecret,
  ApplicationSecretInput,
  FederatedCredential,
  FederatedCredentialInput,
} from './credential-types.ts';
import { EmulatorError } from './errors.ts';
import type { FaultOperation, FaultSetting } from './fault-types.ts';
import type { Assignment, Device, ReceivedNotification, ScepProfile } from './model.ts';
import type { CoolDownAnswer, Revocation, RevocationInput, RevocationSettings } from './revocation-types.ts';

export interface EmulatorControlOptions {
  /** Base URL of the control API, such as `http://127.0.0.1:8081`. */
  url: string;
  fetch: typeof globalThis.fetch;
  /** How long one call may take, default 30,000. */
  timeoutMs?: number | undefined;
}

/**
 * Typed client of the emulator's control API. Every method throws an {@link EmulatorError}: `emulator.unreachable`
 * (with the cause), `emulator.invalid` (the input was refused), `emulator.not_found`, `emulator.unexpected_answer`.
 *
 * @example
 * const control = new EmulatorControl({ url: 'http://127.0.0.1:8081', fetch });
 * const [challenge] = await control.createChallenges({ subject: 'CN=printer-7' });
 */
export class EmulatorControl {
  readonly #options: EmulatorControlOptions;

  constructor(options: EmulatorControlOptions) {
    this.#options = options;
  }

  /** The tenant's ids, the client secret and the URLs for a SCEP server's configuration. */
  connection(): Promise<Connection> {
    return this.#call('GET', '/control/connection');
  }

  /** Sets the application's roles, to try what a server says when consent is missing. */
  async setPermissions(permissions: Permissions): Promise<void> {
    await this.#call('PUT', '/control/permissions', permissions);
  }

  createProfile(profile: ProfileInput): Promise<{ id: string }> {
    return this.#call('POST', '/control/profiles', profile);
  }

  async updateProfile(profileId: string, profile: ProfileInput): Promise<void> {
    await this.#call('PUT', `/control/profiles/${encodeURIComponent(profileId)}`, profile);
  }

  async deleteProfile(profileId: string): Promise<void> {
    await this.#call('DELETE', `/control/profiles/${encodeURIComponent(profileId)}`);
  }

  profiles(): Promise<ScepProfile[]> {
    return this.#call('GET', '/control/profiles');
  }

  createDevice(device: DeviceInput): Promise<{ id: string }> {
    return this.#call('POST', '/control/devices', device);
  }

  async deleteDevice(deviceId: string): Promise<void> {
    await this.#call('DELETE', `/control/devices/${encodeURIComponent(deviceId)}`);
  }

  devices(): Promise<Device[]> {
    return this.#call('GET', '/control/devices');
  }

  /** Assigns a profile to a device; does nothing if it is assigned already. */
  async assign(assignment: Assignment): Promise<void> {
    await this.#call('POST', '/control/assignments', assignment);
  }

  async unassign(assignment: Assignment): Promise<void> {
    await this.#call('DELETE', '/control/assignments', assignment);
  }

  assignments(): Promise<Assignment[]> {
    return this.#call('GET', '/control/assignments');
  }

  /** A device asks for its profiles; each comes with a fresh challenge. */
  checkIn(deviceId: string): Promise<CheckIn> {
    return this.#call('POST', `/control/devices/${encodeURIComponent(deviceId)}/check-in`);
  }

  /** A device tells how its enrollment ended. */
  async report(deviceId: string, report: DeviceReport): Promise<void> {
    await this.#call('POST', `/control/devices/${encodeURIComponent(deviceId)}/report`, report);
  }

  /** Intune's certificate report. */
  reports(): Promise<CertificateReportRow[]> {
    return this.#call('GET', '/control/reports');
  }

  /** Mints challenges that belong to no device or profile. */
  async createChallenges(input: ChallengeInput): Promise<string[]> {
    const answer = await this.#call<{ challenges: string[] }>('POST', '/control/challenges', input);
    return answer.challenges;
  }

  faults(): Promise<FaultSetting[]> {
    return this.#call('GET', '/control/faults');
  }

  /** Sets the fault of one operation, in place of an earlier one. */
  async setFault(setting: FaultSetting): Promise<void> {
    await this.#call('PUT', '/control/faults', setting);
  }

  /** Clears the fault of one operation, or all of them. */
  async clearFaults(operation?: FaultOperation): Promise<void> {
    await this.#call('DELETE', operation ? `/control/faults?operation=${operation}` : '/control/faults');
  }

  /** Queues the revocation of a certificate, and returns the request; an open one for it is returned as it is. */
  requestRevocation(input: RevocationInput): Promise<Revocation> {
    return this.#call('POST', '/control/revocations', input);
  }

  /** Revocation requests with their states and results, oldest first. */
  revocations(): Promise<Revocation[]> {
    return this.#call('GET', '/control/revocations');
  }

  revocationSettings(): Promise<RevocationSettings> {
    return this.#call('GET', '/control/revocation-settings');
  }

  /**
   * Sets how long an application waits between two downloads, 60 minutes unless set; 0 switches the cool-down off; and
   * how an earlier one is answered, by 429 unless set.
   */
  async setRevocationCoolDown({ minutes, answer }: { minutes: number; answer?: CoolDownAnswer }): Promise<void> {
    const settings = { coolDownMinutes: minutes, ...(answer === undefined ? {} : { coolDownAnswer: answer }) };
    await this.#call('PATCH', '/control/revocation-settings', settings);
  }

  /** Whether devices, assignments and profiles that go or change have their certificates revoked. Default: no. */
  async setRevokeOnRemoval(revokeOnRemoval: boolean): Promise<void> {
    await this.#call('PATCH', '/control/revocation-settings', { revokeOnRemoval });
  }

  /** The application's secrets, without the secrets themselves; the one of the connection has the id `initial`. */
  applicationSecrets(): Promise<ApplicationSecret[]> {
    return this.#call('GET', '/control/application/secrets');
  }

  /** Adds a client secret beside the others. It is shown this once. */
  addApplicationSecret(input: ApplicationSecretInput = {}): Promise<{ id: string; secret: string }> {
    return this.#call('POST', '/control/application/secrets', input);
  }

  async removeApplicationSecret(id: string): Promise<void> {
    await this.#call('DELETE', `/control/application/secrets/${encodeURIComponent(id)}`);
  }

  applicationCertificates(): Promise<ApplicationCertificate[]> {
    return this.#call('GET', '/control/application/certificates');
  }

  /** Registers an RSA certificate (PEM), whose key may then sign client assertions. */
  addApplicationCertificate(certificate: string): Promise<ApplicationCertificate> {
    return this.#call('POST', '/control/application/certificates', { certificate });
  }

  /** @param thumbprint SHA-1 or SHA-256, hex */
  async removeApplicationCertificate(thumbprint: string): Promise<void> {
    await this.#call('DELETE', `/control/application/certificates/${encodeURIComponent(thumbprint)}`);
  }

  federatedCredentials(): Promise<FederatedCredential[]> {
    return this.#call('GET', '/control/application/federated-credentials');
  }

  /** Lets tokens of another issuer stand for the application; replaces what was set for the same issuer and subject. */
  setFederatedCredential(input: FederatedCredentialInput): Promise<FederatedCredential> {
    return this.#call('PUT', '/control/application/federated-credentials', input);
  }

  async removeFederatedCredential(id: string): Promise<void> {
    await this.#call('DELETE', `/control/application/federated-credentials/${encodeURIComponent(id)}`);
  }

  /** Success and failure notifications received, oldest first. */
  notifications(): Promise<ReceivedNotification[]> {
    return this.#call('GET', '/control/notifications');
  }

  async #call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const { url, fetch, timeoutMs = 30_000 } = this.#options;
    const target = new URL(path, url).href;
    let response: Response;
    let text: string;
    try {
      response = await fetch(target, {
        method,
        signal: AbortSignal.timeout(timeoutMs),
        redirect: 'error',
        ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
      });
      text = await response.text();
    } catch (cause) {
      throw new EmulatorError('emulator.unreachable', `The emulator at ${url} does not answer.`, {
        cause,
        hint: 'Is it running? `scepter emulate` or `scepter demo` starts it.',
      });
    }
    return readAnswer(response.status, text) as T;
  }
}

/** The JSON of a success. The emulator and its client are one package, so that its shape is taken as given. */
function readAnswer(status: number, text: string): unknown {
  let answer: unknown;
  try {
    answer = text === '' ? undefined : JSON.parse(text);
  } catch (cause) {
    throw new EmulatorError('emulator.unexpected_answer', `The control API answered ${status} without JSON.`, {
      cause,
      status,
    });
  }
  if (status >= 200 && status < 300) return answer;
  const message = errorMessageIn(answer) ?? `The control API answered ${status}.`;
  if (status === 404) throw new EmulatorError('emulator.not_found', message, { status });
  if (status === 400 || status === 413) throw new EmulatorError('emulator.invalid', message, { status });
  throw new EmulatorError('emulator.unexpected_answer', message, { status });
}

function errorMessageIn(answer: unknown): string | undefined {
  if (typeof answer !== 'object' || answer === null || !('error' in answer)) return undefined;
  const { error } = answer;
  if (typeof error !== 'object' || error === null || !('message' in error)) return undefined;
  return typeof error.message === 'string' ? error.message : undefined;
}
