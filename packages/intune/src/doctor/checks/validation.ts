import { performScepAction } from '../../actions/scep-action.ts';
import { validateRequestAction } from '../../actions/validate-request.ts';
import type { Call } from '../../call.ts';
import { IntuneRejectedError } from '../../errors.ts';
import type { IntuneResultCode } from '../../result-codes.ts';
import type { Check, Finding } from '../check.ts';
import type { Patient } from '../patient.ts';
import { requestWithoutChallenge } from '../sample-request.ts';

/** What Intune can sensibly say to a request without a challenge. */
const rightRefusals: readonly IntuneResultCode[] = [
  'ChallengePasswordMissing',
  'ChallengeDecodingError',
  'ChallengeDeserializationError',
  'ChallengeDecryptionError',
  'CertificateRequestDecodingFailed',
];

/** Does Intune answer, and does it refuse what it has to refuse? */
export const validationCheck: Check = {
  name: 'validation',
  title: 'Validation by Intune',
  needs: ['tls.intune', 'roles.intune'],
  run: validateWithoutChallenge,
};

async function validateWithoutChallenge({ options, services }: Patient, call: Call): Promise<Finding> {
  const request = {
    transactionId: `scepter-check-${call.activityId}`,
    certificateRequest: requestWithoutChallenge,
  };
  const action = validateRequestAction(request, options.callerInfo);
  try {
    await performScepAction(services, action, options.scepServiceVersion, call);
  } catch (error) {
    if (error instanceof IntuneRejectedError) {
      return judgeRefusal(error);
    }
    throw error;
  }
  return {
    state: 'failed',
    saw: 'Intune accepted a certificate request without any challenge.',
    advice:
      "Issue nothing until this is explained: whatever answered approves every request. Check the addresses in the options; if they are Microsoft's, open a support case with the activity id.",
    details: { activityId: call.activityId, resultCode: 'Success' },
  };
}

function judgeRefusal({ resultCode, description, activityId }: IntuneRejectedError): Finding {
  const details = { resultCode, description, activityId: activityId ?? null };
  if (rightRefusals.some((code) => code === resultCode)) {
    const saw = `Intune refused a request without challenge, as it has to: ${resultCode}.`;
    return { state: 'ok', saw, details };
  }
  return {
    state: 'warning',
    saw: `Intune refused a request without challenge, but for another reason: ${resultCode}${description === '' ? '' : ` (${description})`}.`,
    advice: 'It answers, and nothing would be issued. Let a device enroll to see whether real requests pass.',
    details,
  };
}
