/** The body that sets a fault. */
import { z } from 'zod';
import { faultOperations, type FaultSetting } from './fault-types.ts';

export const faultOperation = z.enum(faultOperations);

/** A longer delay than this is better tried with `disconnect`. */
const maxDelayMs = 120_000;
const delayMs = z.number().int().min(0).max(maxDelayMs);

/** Far beyond what any client should read. */
const maxHugeBytes = 1024 * 1024 * 1024;

const printable = z.string().regex(/^[\x20-\x7e]*$/u, 'must be printable ASCII');
const errorStatus = z.number().int().min(400).max(599);

const fault = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('code'),
    code: printable.min(1).max(1024),
    errorDescription: z.string().max(4096).optional(),
  }),
  z.strictObject({
    kind: z.literal('http'),
    status: z.number().int().min(200).max(599),
    body: z.string().max(65_536).optional(),
    headers: z.record(z.string().regex(/^[\w-]{1,100}$/u), printable.max(4096)).optional(),
  }),
  z.strictObject({ kind: z.literal('delay'), delayMs }),
  z.strictObject({ kind: z.literal('slowHeaders'), delayMs }),
  z.strictObject({ kind: z.literal('slowBody'), delayMs, chunks: z.number().int().min(1).max(64).optional() }),
  z.strictObject({ kind: z.literal('cutBody') }),
  z.strictObject({
    kind: z.literal('hugeBody'),
    bytes: z.number().int().min(64).max(maxHugeBytes),
    announced: z.boolean().optional(),
  }),
  z.strictObject({ kind: z.literal('html') }),
  z.strictObject({ kind: z.literal('garbage') }),
  z.strictObject({ kind: z.literal('wrongJson'), body: z.unknown() }),
  z.strictObject({ kind: z.literal('emptyList') }),
  z.strictObject({
    kind: z.literal('redirect'),
    location: printable.min(1).max(4096),
    status: z.literal([301, 302, 303, 307, 308]).optional(),
  }),
  z.strictObject({
    kind: z.literal('throttle'),
    retryAfterSeconds: z.number().int().min(0).max(1_000_000),
    status: z.literal([429, 503]).optional(),
    asDate: z.boolean().optional(),
  }),
  z.strictObject({
    kind: z.literal('nestedError'),
    status: errorStatus.optional(),
    message: printable.max(4096).optional(),
  }),
  z.strictObject({
    kind: z.literal('duplicateNames'),
    deadFirst: z.boolean(),
    dead: z.enum(['refused', 'notFound']).optional(),
  }),
  z.strictObject({
    kind: z.literal('nextLink'),
    pages: z.number().int().min(2).max(50).optional(),
    location: printable.min(1).max(4096).optional(),
  }),
  z.strictObject({ kind: z.literal('moved') }),
  z.strictObject({ kind: z.literal('disconnect') }),
]);

const discoveryOnly: ReadonlySet<string> = new Set(['duplicateNames', 'nextLink']);
const unmovable: ReadonlySet<string> = new Set(['token', 'managedIdentity', 'discovery']);

/** Unknown members and combinations that would do nothing are refused. */
export const faultBody: z.ZodType<FaultSetting> = z
  .strictObject({
    operation: faultOperation,
    fault,
    times: z.number().int().min(1).max(1_000_000).optional(),
    afterProcessing: z.boolean().optional(),
  })
  .refine(({ operation, fault: { kind } }) => !discoveryOnly.has(kind) || operation === 'discovery', {
    message: 'is a fault of discovery only',
    path: ['fault', 'kind'],
  })
  .refine(({ operation, fault: { kind } }) => kind !== 'moved' || !unmovable.has(operation), {
    message: 'is a fault of the operations that discovery leads to',
    path: ['fault', 'kind'],
  })
  .refine(({ fault: { kind }, times }) => kind !== 'moved' || times === undefined, {
    message: 'cannot be counted: a service that has moved stays where it is until the fault is cleared',
    path: ['times'],
  });
