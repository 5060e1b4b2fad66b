/**
 * Gives every property test one seed, so that the gate says the same of the same source twice. It exists because a
 * change must not be refused for what it did not touch; `npm run fuzz` is where new inputs are searched for, and
 * `PROPERTY_SEED=N npm test` tries others here.
 */
import { configureGlobal } from 'fast-check';

// oxlint-disable-next-line node/no-process-env -- a tool of the command line.
configureGlobal({ seed: Number(process.env['PROPERTY_SEED'] ?? 8894) });
