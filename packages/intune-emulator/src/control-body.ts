import type { Context } from 'hono';
import type { z } from 'zod';
import { EmulatorError } from './errors.ts';

/** The body of a request to the control API. @throws EmulatorError `emulator.invalid` */
export async function readBody<T>(context: Context, schema: z.ZodType<T>): Promise<T> {
  if (!/^application\/json\b/iu.test(context.req.header('content-type') ?? '')) {
    throw new EmulatorError('emulator.invalid', 'The content type must be application/json.');
  }
  const body = await context.req.text();
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (cause) {
    throw new EmulatorError('emulator.invalid', 'The request body is not JSON.', { cause });
  }
  return parse(schema, value);
}

/** @throws EmulatorError `emulator.invalid` */
export function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`);
  throw new EmulatorError('emulator.invalid', problems.slice(0, 5).join('; '), { cause: parsed.error });
}
