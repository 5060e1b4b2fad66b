import type { Platform, Step } from '@scepter/fleet';
import { formatDuration } from '../format.ts';
import type { Terminal } from '../terminal.ts';

/** The platforms by the names people know them by. */
export const platformNames: Readonly<Record<Platform, string>> = {
  windows: 'Windows',
  ios: 'iOS',
  macos: 'macOS',
  android: 'Android',
  androidEnterprise: 'Android Enterprise',
};

/** Prints one line for a device's step: who, what, how long, and what came of it. */
export function printStep(terminal: Terminal, platform: Platform, step: Step): void {
  const failed = step.outcome === 'failed';
  terminal.row(
    [
      { text: platformNames[platform], width: 18 },
      { text: step.name, width: 14 },
      { text: formatDuration(step.durationMs), width: 8, align: 'right', tone: 'quiet' },
      { text: failed ? `FAILED: ${step.detail}` : step.detail, tone: failed ? 'bad' : 'quiet' },
    ],
    { indent: 2 },
  );
}
