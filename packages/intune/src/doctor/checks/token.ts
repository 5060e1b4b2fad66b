import type { Call } from '../../call.ts';
import type { Check, Finding } from '../check.ts';
import { scopeOf, type TokenAudience } from '../../token-source.ts';
import type { Patient } from '../patient.ts';

/** Shorter-lived tokens are asked for all the time, and any deviation of clocks ends them. */
const shortLifetimeMs = 10 * 60_000;

/** Does Entra, or the credential, give a token? */
export function tokenCheck(audience: TokenAudience, service: string): Check {
  return {
    name: `token.${audience}`,
    title: `Token for ${service}`,
    needs: ['credential', 'tls.entra'],
    run: (patient, call) => askForToken(audience, service, patient, call),
  };
}

async function askForToken(
  audience: TokenAudience,
  service: string,
  { options, services, learnt }: Patient,
  call: Call,
): Promise<Finding> {
  const scope = scopeOf(audience, options);
  const { token, expiresOnTimestamp } = await services.credential.token(scope, call);
  learnt.tokens = { ...learnt.tokens, [audience]: token };
  const lifetimeMs = expiresOnTimestamp - options.now().getTime();
  const details = { scope, expiresAt: new Date(expiresOnTimestamp).toISOString(), activityId: call.activityId };
  const saw = `A token for ${service} that is good for ${Math.round(lifetimeMs / 60_000)} minutes.`;
  if (lifetimeMs >= shortLifetimeMs) {
    return { state: 'ok', saw, details };
  }
  const advice =
    "Entra's tokens last about an hour: check the clock of this machine, and the tenant's token lifetime policies.";
  return { state: 'warning', saw, advice, details };
}
