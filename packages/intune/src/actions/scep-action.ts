import type { Call } from '../call.ts';
import type { CallName } from '../diagnostics/events.ts';
import { IntuneRejectedError } from '../errors.ts';
import { performAction, type IntuneServices } from './service-action.ts';

/** Which method performs which operation. */
const callNames = {
  validateRequest: 'validateRequest',
  successNotification: 'notifySuccess',
  failureNotification: 'notifyFailure',
} as const satisfies Record<ScepAction['name'], CallName>;

/** One operation of Intune's SCEP service with its checked arguments. */
export interface ScepAction {
  readonly name: 'validateRequest' | 'successNotification' | 'failureNotification';
  readonly transactionId: string;
  readonly certificateRequest: string;
  /** Sent as JSON. */
  readonly body: object;
}

/**
 * Performs the action. Resolves only when Intune answered HTTP 200 with the code Success; everything else throws.
 * @param apiVersion the version of the wire format, `2018-02-20` in Microsoft's reference clients
 * @throws {IntuneRejectedError} Intune's verdict is not Success; and what `performAction` throws
 */
export async function performScepAction(
  services: IntuneServices,
  action: ScepAction,
  apiVersion: string,
  call: Call,
): Promise<void> {
  const { name, transactionId, certificateRequest, body } = action;
  const answer = await performAction(
    services,
    {
      name: callNames[name],
      serviceName: 'ScepRequestValidationFEService',
      path: `ScepActions/${name}`,
      apiVersion,
      body,
      // Validation changes nothing but a report; a notification is recognised by its transaction and certificate.
      idempotent: true,
      certificateRequest,
    },
    call,
  );
  const verdict = answer.jsonObject();
  const code = verdict?.['code'];
  if (typeof code !== 'string') {
    throw answer.badReply(services.intune.name, 'without a result code', call);
  }
  if (code.toLowerCase() !== 'success') {
    const text = verdict?.['errorDescription'];
    throw new IntuneRejectedError({
      originalCode: answer.show(code),
      description: typeof text === 'string' ? answer.show(text) : '',
      transactionId,
      activityId: call.activityId,
    });
  }
}
