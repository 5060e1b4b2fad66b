import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { IntuneEvent } from '@scepter/intune';
import { Events } from '../src/events.ts';
import { createLogger } from '../src/logger.ts';
import type { LogLevel } from '../src/logger.ts';

function report(level: LogLevel, ...reported: IntuneEvent[]): Record<string, unknown>[] {
  const lines: string[] = [];
  const events = new Events(createLogger({ destination: { write: (line) => lines.push(line) }, pretty: false, level }));
  for (const event of reported) events.connectionReported('contoso', event);
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

const failedAttempt: IntuneEvent = {
  type: 'attempt',
  destination: 'scep',
  operation: 'validateRequest',
  host: 'fef.manage.microsoft.com',
  activityId: 'an-activity',
  attempt: 1,
  durationMs: 12,
  status: 503,
  outcome: 'intune.http',
};

describe('what the Intune client tells', () => {
  it('is one warning when a service is given up, and a word when it is back', () => {
    const lines = report(
      'info',
      { type: 'circuit', destination: 'scep', state: 'open', retryAfterMs: 29_500 },
      { type: 'circuit', destination: 'scep', state: 'halfOpen' },
      { type: 'circuit', destination: 'scep', state: 'open', retryAfterMs: 30_000 },
      { type: 'circuit', destination: 'scep', state: 'halfOpen' },
      { type: 'circuit', destination: 'scep', state: 'closed' },
      { type: 'circuit', destination: 'graph', state: 'closed' },
    );
    assert.deepEqual(
      lines.map(({ level, message, connection }) => [level, message, connection]),
      [
        ['warn', 'Intune cannot be used; requests are refused at once. It is tried again in 30 s.', 'contoso'],
        ['info', 'Intune can be used again.', 'contoso'],
      ],
    );
  });

  it('is silent about single requests, unless somebody looks for a fault', () => {
    const success: IntuneEvent = { ...failedAttempt, status: 200, outcome: 'success' };
    const { status: _status, ...unanswered } = failedAttempt;
    assert.deepEqual(report('info', failedAttempt, success), []);
    const [failed, cut, ...others] = report('debug', failedAttempt, success, {
      ...unanswered,
      outcome: 'intune.network',
    });
    assert.deepEqual(others, []);
    assert.equal(failed?.['message'], 'Intune: validateRequest: HTTP 503');
    assert.equal(failed?.['activityId'], 'an-activity');
    assert.equal(cut?.['message'], 'Intune: validateRequest: no answer');
  });
});
