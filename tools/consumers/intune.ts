/** What a user of the package writes. `tools/check-package.ts` compiles and runs it where nothing else is installed. */
import {
  hResults,
  IntuneClient,
  IntuneError,
  resultCodes,
  type IntuneClientOptions,
  type IntuneResult,
  type TokenCredential,
} from '@scepter/intune';

const credential: TokenCredential = {
  getToken: async () => ({ token: 'token', expiresOnTimestamp: Date.now() + 3_600_000 }),
};
const address = {
  tenant: 'contoso.onmicrosoft.com',
  callerInfo: 'Consumer 1.0',
  // Nothing listens there.
  authority: 'https://127.0.0.1:1',
  graphUrl: 'https://127.0.0.1:1',
} satisfies Partial<IntuneClientOptions>;
const request = { transactionId: 'transaction', certificateRequest: 'MAA=' };

async function failureOf(options: IntuneClientOptions): Promise<IntuneError> {
  const client = new IntuneClient(options);
  try {
    const result: IntuneResult = await client.validateRequest(request);
    throw new Error(`Intune answered: ${result.activityId}`);
  } catch (error) {
    if (error instanceof IntuneError) return error;
    throw error;
  } finally {
    await client.close();
  }
}

/** Without `await` at the top, since CommonJS has none. */
async function main(): Promise<void> {
  const secret = { clientId: '8d1b6f52-7c6e-4f0e-9b5a-0d4f6a1f2e33', clientSecret: 'secret' };
  for (const each of [credential, secret]) {
    const { code, message } = await failureOf({ ...address, credential: each });
    if (code !== 'intune.network') throw new Error(`Unexpected ${code}: ${message}`);
  }
  if (hResults.E_FAIL !== -2_147_467_259) throw new Error('hResults are wrong');
  if (resultCodes.Success.meaning === '') throw new Error('resultCodes are empty');
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
