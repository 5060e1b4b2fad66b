/** One desk for the contract suite: the emulator over HTTPS under its own CA, a proxy, a device, an ear on the wire. */
import { startEmulatorHost } from '@scepter/intune-emulator';
import type { Connection, EmulatorControl, EmulatorHost, Fault, FaultOperation } from '@scepter/intune-emulator';
import { createCertificationRequest, parseName } from '@scepter/x509';
import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  IntuneClient,
  type IntuneClientOptions,
  type NotifySuccessOptions,
  type ProxyOptions,
} from '../../src/index.ts';
import { TestProxy } from '../proxy.ts';
import { assertShowsNoSecret } from '../renderings.ts';
import { Traffic } from './traffic.ts';

/** How a client gets to Microsoft: the suite is played both ways. */
export const ways = ['directly', 'through a proxy'] as const;
export type Way = (typeof ways)[number];

const subject = 'CN=adele.vance,O=Contoso';
/** The challenges that the suite asks for say nothing about the key, so that one suffices. */
const deviceKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** The roles that the application needs, and has unless a test takes them away. */
export const allPermissions = { graph: ['Application.Read.All'], intune: ['scep_challenge_provider'] };

export const proxyCredentials = { username: 'contoso\\scep', password: 'CANARY-proxy-password' };

/**
 * A proxy that others wrote, `http://user:password@host:port`, to be taken in place of ours: the faults must look the same
 * through it. The interoperability tests set it.
 */
const foreignProxy = process.env['INTUNE_CONTRACT_PROXY'];

export interface DeskRequest {
  readonly transactionId: string;
  readonly certificateRequest: string;
  /** Secret. */
  readonly challenge: string;
}

export class Desk {
  readonly emulator: EmulatorHost;
  readonly connection: Connection;
  readonly proxy: TestProxy;
  /** Whether the way through a proxy is not through ours. */
  readonly hasForeignProxy = foreignProxy !== undefined;
  /** What has arrived at the Microsoft side. */
  readonly traffic: Traffic;
  readonly #folder: string;
  readonly #clients: IntuneClient[] = [];
  #request: DeskRequest | undefined;

  constructor(parts: { emulator: EmulatorHost; connection: Connection; proxy: TestProxy; folder: string }) {
    this.emulator = parts.emulator;
    this.connection = parts.connection;
    this.proxy = parts.proxy;
    this.traffic = new Traffic(parts.emulator.microsoftUrl);
    this.#folder = parts.folder;
  }

  /** @param now the emulator's clock. Default: the system's */
  static async start(now: () => Date = () => new Date()): Promise<Desk> {
    const folder = await mkdtemp(join(tmpdir(), 'intune-contract-'));
    const emulator = await startEmulatorHost({ microsoftPort: 0, controlPort: 0, folder, now, randomBytes });
    const connection = await emulator.emulator.control.connection();
    const proxy = await TestProxy.start({ credentials: proxyCredentials });
    return new Desk({ emulator, connection, proxy, folder });
  }

  get control(): EmulatorControl {
    return this.emulator.emulator.control;
  }

  get origin(): string {
    return this.emulator.microsoftUrl;
  }

  /** The options of a client of this tenant. It repeats without waiting long, so that the suite need not. */
  options(changes: Partial<IntuneClientOptions> = {}, way: Way = 'directly'): IntuneClientOptions {
    const { tenantId, clientId, clientSecret, authorityUrl, graphUrl } = this.connection;
    return {
      tenant: tenantId,
      credential: { clientId, clientSecret },
      callerInfo: 'Contoso CA 3.1',
      authority: authorityUrl,
      graphUrl,
      tls: { ca: this.emulator.tlsCaPem },
      allowLoopback: true,
      timeoutMs: 10_000,
      retry: { initialDelayMs: 1, maximumDelayMs: 1 },
      ...(way === 'directly' ? {} : { proxy: this.#proxyOptions() }),
      ...changes,
    };
  }

  connect(changes?: Partial<IntuneClientOptions>, way?: Way): IntuneClient {
    const client = new IntuneClient(this.options(changes, way));
    this.#clients.push(client);
    return client;
  }

  /** A request as a device would send it, with a challenge that is good. */
  async newRequest(transactionId = `TRANSACTION-${randomBytes(8).toString('hex')}`): Promise<DeskRequest> {
    const [challenge = ''] = await this.control.createChallenges({ subject });
    const request = createCertificationRequest({
      subject: parseName(subject),
      ...deviceKeys,
      challengePassword: challenge,
    });
    return { transactionId, certificateRequest: Buffer.from(request).toString('base64'), challenge };
  }

  /** The same request again and again, for tests that are about something else. */
  async request(): Promise<DeskRequest> {
    this.#request ??= await this.newRequest('TRANSACTION-1');
    return this.#request;
  }

  async setFault(operation: FaultOperation, fault: Fault, times?: number): Promise<void> {
    await this.control.setFault({ operation, fault, ...(times === undefined ? {} : { times }) });
  }

  /** Neither secrets, tokens nor challenges show in the value, however it is written down. */
  assertShowsNoSecret(value: unknown): void {
    const { clientSecret, identityHeader } = this.connection;
    const tokens = Object.fromEntries(this.traffic.tokens().map((token, index) => [`token ${index}`, token]));
    const { certificateRequest = '', challenge = '' } = this.#request ?? {};
    const request = this.#request === undefined ? {} : { certificateRequest, challenge };
    assertShowsNoSecret(value, { clientSecret, identityHeader, ...tokens, ...request });
  }

  /** The error of a call that must fail. It shows no secret. */
  async failure(call: Promise<unknown>): Promise<unknown> {
    const error = await call.then(
      () => assert.fail('It resolved'),
      (reason: unknown) => reason,
    );
    this.assertShowsNoSecret(error);
    return error;
  }

  #proxyOptions(): ProxyOptions {
    if (foreignProxy === undefined) return this.proxy.options();
    const { hostname: host, port, username, password } = new URL(foreignProxy);
    return { host, port: Number(port), ...(username === '' ? {} : { username, password }) };
  }

  /** Between two tests: no faults, all permissions, no clients, nothing heard. */
  async tidy(): Promise<void> {
    await Promise.all(this.#clients.splice(0).map((client) => client.close()));
    await this.control.clearFaults();
    await this.control.setPermissions(allPermissions);
    this.traffic.clear();
    this.proxy.targets.length = 0;
  }

  async stop(): Promise<void> {
    await this.tidy();
    this.traffic.stop();
    await this.proxy.stop();
    await this.emulator.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** What a CA reports of the certificate that it has issued. */
export const issued = {
  certificateThumbprint: '0123456789abcdef0123456789abcdef01234567',
  certificateSerialNumber: '4F00A1',
  certificateExpirationDateUtc: new Date('2027-11-22T10:20:30.456Z'),
  issuingCertificateAuthority: 'CN=Contoso Issuing CA,O=Contoso',
} satisfies Partial<NotifySuccessOptions>;
