import { channel } from 'node:diagnostics_channel';
import type { IntuneEvent } from './events.ts';

/** `scepter:intune:call`, `scepter:intune:attempt` and so on: every event of every client in this process. */
const channels = {
  call: channel('scepter:intune:call'),
  attempt: channel('scepter:intune:attempt'),
  retry: channel('scepter:intune:retry'),
  token: channel('scepter:intune:token'),
  location: channel('scepter:intune:location'),
  circuit: channel('scepter:intune:circuit'),
} as const satisfies Record<IntuneEvent['type'], unknown>;

/** Costs nothing without subscribers; what one of them throws goes to the process, as `diagnostics_channel` has it. */
export function publish(event: IntuneEvent): void {
  const target = channels[event.type];
  if (target.hasSubscribers) {
    target.publish(event);
  }
}
