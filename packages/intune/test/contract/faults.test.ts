/** Every fault of Entra, Graph and Intune, one named row each, over real connections. */
import { discoveryFailures, discoveryRecoveries } from './discovery-faults.ts';
import { playFaults } from './fault-rows.ts';
import { operationFailures, operationRecoveries } from './operation-faults.ts';
import { signInFailures, signInRecoveries } from './sign-in-faults.ts';
import { validationFailures, validationRecoveries } from './validation-faults.ts';

playFaults('the contract under faults', {
  failures: [...signInFailures, ...discoveryFailures, ...validationFailures, ...operationFailures],
  recoveries: [...signInRecoveries, ...discoveryRecoveries, ...validationRecoveries, ...operationRecoveries],
});
