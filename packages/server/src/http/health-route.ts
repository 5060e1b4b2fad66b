/** `/health`: whether this process can serve devices, for whoever supervises it. */
import type { Answer } from './exchange.ts';
import { textAnswer } from './exchange.ts';

/** What the answer depends on: a store that does not answer issues nothing. */
export interface HealthSource {
  revocationRevision(): Promise<number>;
}

export async function healthRoute(suffix: string, source: HealthSource): Promise<Answer> {
  if (suffix !== '') return textAnswer(404, 'Not found.');
  try {
    await source.revocationRevision();
    return textAnswer(200, 'ok');
  } catch {
    // The store has reported its error where it happened.
    return textAnswer(503, 'The database does not answer.');
  }
}
