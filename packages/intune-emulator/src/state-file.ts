import { z } from 'zod';
import { readTextFile, writeFileAtomically } from './atomic-file.ts';
import { EmulatorError } from './errors.ts';
import {
  certificateIssuanceStates,
  platforms,
  subjectAlternativeNameTypes,
  subjectNameFormats,
  type EmulatorState,
} from './model.ts';
import { revocationErrorNames, revocationReasons, revocationStates } from './revocation-types.ts';

const text = z.string();

const profile = z.object({
  id: text,
  displayName: text,
  platform: z.enum(platforms),
  scepServerUrls: z.array(text),
  subjectNameFormat: z.enum(subjectNameFormats),
  subjectNameFormatString: text,
  subjectAlternativeNames: z.array(z.object({ sanType: z.enum(subjectAlternativeNameTypes), name: text })),
  keyUsage: z.array(z.enum(['digitalSignature', 'keyEncipherment'])),
  keySize: z.union([z.literal(1024), z.literal(2048), z.literal(4096)]),
  hashAlgorithms: z.array(z.enum(['sha1', 'sha2'])),
  extendedKeyUsages: z.array(z.object({ name: text, objectIdentifier: text })),
  certificateValidityPeriodValue: z.number(),
  certificateValidityPeriodScale: z.enum(['days', 'months', 'years']),
  renewalThresholdPercentage: z.number(),
  certificateStore: z.enum(['user', 'machine']),
  rootCertificate: text,
  createdDateTime: text,
  lastModifiedDateTime: text,
  version: z.number(),
});

const device = z.object({
  id: text,
  azureADDeviceId: text,
  platform: z.enum(platforms),
  deviceName: text,
  serialNumber: text.optional(),
  imei: text.optional(),
  meid: text.optional(),
  wifiMacAddress: text.optional(),
  fullyQualifiedDomainName: text.optional(),
  user: z.object({
    id: text,
    userName: text,
    userPrincipalName: text,
    emailAddress: text.optional(),
    onPremisesSamAccountName: text.optional(),
    onPremisesDistinguishedName: text.optional(),
    onPremisesSecurityIdentifier: text.optional(),
  }),
});

const certificateState = z.object({
  certificateRequestId: text,
  deviceId: text,
  profileId: text,
  certificateIssuanceState: z.enum(certificateIssuanceStates),
  certificateThumbprint: text.optional(),
  certificateSerialNumber: text.optional(),
  certificateIssuer: text.optional(),
  caConfiguration: text.optional(),
  certificateExpirationDateTime: text.optional(),
  certificateErrorCode: z.number().optional(),
  errorDescription: text.optional(),
  requestedDateTime: text,
  lastModifiedDateTime: text,
});

const notificationBase = {
  transactionId: text,
  certificateRequestSha256: text,
  certificateRequestId: text,
  callerInfo: text,
  activityId: text,
  receivedDateTime: text,
  timesReceived: z.number(),
};

const notification = z.discriminatedUnion('kind', [
  z.object({
    ...notificationBase,
    kind: z.literal('success'),
    certificateThumbprint: text,
    certificateSerialNumber: text,
    certificateExpirationDateUtc: text,
    issuingCertificateAuthority: text,
    caConfiguration: text.optional(),
    certificateAuthority: text.optional(),
  }),
  z.object({ ...notificationBase, kind: z.literal('failure'), hResult: z.number(), errorDescription: text }),
]);

const revocation = z.object({
  requestContext: text,
  serialNumber: text,
  issuerName: text,
  caConfiguration: text,
  certificateRequestId: text.optional(),
  reason: z.enum(revocationReasons),
  state: z.enum(revocationStates),
  requestedDateTime: text,
  timesDownloaded: z.number(),
  downloadedDateTime: text.optional(),
  timesAnswered: z.number(),
  answeredDateTime: text.optional(),
  errorCode: z.enum(revocationErrorNames).optional(),
  errorMessage: text.optional(),
});

const state = z.object({
  formatVersion: z.literal(1),
  tenant: z.object({
    tenantId: text,
    tenantName: text,
    clientId: text,
    graphRoles: z.array(text),
    intuneRoles: z.array(text),
  }),
  profiles: z.array(profile),
  devices: z.array(device),
  assignments: z.array(z.object({ profileId: text, deviceId: text })),
  certificateStates: z.array(certificateState),
  notifications: z.array(notification),
  // What follows is absent in the files of earlier versions.
  revocations: z.array(revocation).optional(),
  revocationSettings: z
    .object({
      coolDownMinutes: z.number(),
      coolDownAnswer: z.enum(['throttled', 'emptyList']).optional(),
      revokeOnRemoval: z.boolean(),
      lastDownloadDateTime: text.optional(),
    })
    .optional(),
  credentials: z
    .object({
      secrets: z.array(
        z.object({ id: text, sha256: text.optional(), createdDateTime: text, endDateTime: text.optional() }),
      ),
      certificates: z.array(
        z.object({
          thumbprint: text,
          thumbprintSha256: text,
          subject: text,
          startDateTime: text,
          endDateTime: text,
          pem: text,
        }),
      ),
      federated: z.array(
        z.object({
          id: text,
          issuer: text,
          subject: text,
          audience: text,
          keys: z.array(z.object({ kid: text.optional(), publicKeyPem: text })),
        }),
      ),
    })
    .optional(),
});

const recordLists = ['profiles', 'devices', 'assignments', 'certificateStates', 'notifications'] as const;

/**
 * `state.json`: the whole state, one record a line, replaced atomically. Callers that arrive while a write is under
 * way share the next one, so that many requests at once cost few writes.
 */
export class StateFile {
  readonly #path: string;
  /** Records are immutable, so each is turned into text once. */
  readonly #recordTexts = new WeakMap<object, string>();
  #writing: Promise<void> | undefined;
  #next: { state: EmulatorState; done: Promise<void> } | undefined;
  #closed = false;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * The stored state, or undefined when there is none yet.
   *
   * @throws EmulatorError `emulator.state_damaged` with path and hint
   */
  async load(): Promise<EmulatorState | undefined> {
    const content = await readTextFile(this.#path);
    if (content === undefined) return undefined;
    try {
      return state.parse(JSON.parse(content));
    } catch (cause) {
      throw new EmulatorError('emulator.state_damaged', `The emulator's state in ${this.#path} is damaged.`, {
        cause,
        path: this.#path,
        hint: `Restore ${this.#path} from a copy, or delete it to start with an empty tenant.`,
      });
    }
  }

  /** Resolves when `state`, or a later one, is on disk. @throws EmulatorError `emulator.folder_unwritable` */
  save(newState: EmulatorState): Promise<void> {
    if (this.#closed) return Promise.reject(this.#closedError());
    if (this.#writing === undefined) {
      this.#writing = this.#write(newState);
      return this.#writing;
    }
    if (this.#next === undefined) {
      const afterThis = this.#writing.then(
        () => this.#writeNext(),
        () => this.#writeNext(),
      );
      this.#next = { state: newState, done: afterThis };
    } else {
      this.#next.state = newState;
    }
    return this.#next.done;
  }

  /** Resolves when nothing is being written any more; later saves are refused. */
  async close(): Promise<void> {
    this.#closed = true;
    // A failure is reported to those who wait for that save.
    while (this.#writing !== undefined) await this.#writing.catch(() => undefined);
  }

  #closedError(): EmulatorError {
    const message = `The emulator has stopped; ${this.#path} is not written any more.`;
    return new EmulatorError('emulator.folder_unwritable', message, { path: this.#path });
  }

  #writeNext(): Promise<void> {
    const next = this.#next;
    this.#next = undefined;
    if (next === undefined) return Promise.resolve();
    this.#writing = this.#write(next.state);
    return this.#writing;
  }

  async #write(newState: EmulatorState): Promise<void> {
    try {
      await writeFileAtomically(this.#path, this.#serialize(newState));
    } finally {
      if (this.#next === undefined) this.#writing = undefined;
    }
  }

  #serialize(newState: EmulatorState): string {
    const { tenant, revocations, revocationSettings, credentials, ...lists } = newState;
    const members = [
      `"formatVersion":1`,
      `"tenant":${JSON.stringify(tenant)}`,
      ...recordLists.map((name) => this.#listText(name, lists[name])),
      ...(revocations === undefined ? [] : [this.#listText('revocations', revocations)]),
      ...(revocationSettings === undefined ? [] : [`"revocationSettings":${JSON.stringify(revocationSettings)}`]),
      ...(credentials === undefined ? [] : [`"credentials":${JSON.stringify(credentials)}`]),
    ];
    return `{${members.join(',\n')}}\n`;
  }

  #listText(name: string, records: readonly object[]): string {
    return `"${name}":[\n${records.map((record) => this.#recordText(record)).join(',\n')}\n]`;
  }

  #recordText(record: object): string {
    const known = this.#recordTexts.get(record);
    if (known !== undefined) return known;
    const fresh = JSON.stringify(record);
    this.#recordTexts.set(record, fresh);
    return fresh;
  }
}
