import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EmulatorError } from '../src/errors.ts';
import type { Fault } from '../src/fault-types.ts';
import {
  certificateRequest,
  createEnrolledDesk,
  graphScope,
  json,
  origin,
  partsFor,
  type EnrolledDesk,
} from './desk.ts';

async function deskWithBody(): Promise<EnrolledDesk & { body: object }> {
  const desk = await createEnrolledDesk();
  const request = certificateRequest(partsFor(await desk.checkIn()));
  return { ...desk, body: { request: { transactionId: 'T', certificateRequest: request, callerInfo: 'Test' } } };
}

describe('a fault of validateRequest', () => {
  const rows: { name: string; fault: Fault; check: (response: Response) => Promise<void> | void }[] = [
    {
      name: 'code answers 200 with any of the result codes',
      fault: { kind: 'code', code: 'RegisteredKeyMismatch' },
      check: async (response) => assert.equal((await json(response))['code'], 'RegisteredKeyMismatch'),
    },
    {
      name: 'http answers a status with body and headers',
      fault: { kind: 'http', status: 503, body: 'busy', headers: { 'retry-after': '7' } },
      check: async (response) =>
        assert.deepEqual(
          [response.status, response.headers.get('retry-after'), await response.text()],
          [503, '7', 'busy'],
        ),
    },
    {
      name: 'http can answer nothing at all',
      fault: { kind: 'http', status: 204, body: 'ignored' },
      check: (response) => assert.equal(response.body, null),
    },
    {
      name: 'html answers as a proxy does',
      fault: { kind: 'html' },
      check: async (response) => {
        assert.equal(response.status, 502);
        assert.match(await response.text(), /<html>/u);
      },
    },
    {
      name: 'garbage answers 200 with what is no JSON',
      fault: { kind: 'garbage' },
      check: async (response) => {
        assert.equal(response.status, 200);
        await assert.rejects(response.json());
      },
    },
    {
      name: 'delay answers normally, later',
      fault: { kind: 'delay', delayMs: 20 },
      check: async (response) => assert.equal((await json(response))['code'], 'Success'),
    },
  ];
  for (const { name, fault, check } of rows) {
    it(name, async () => {
      const desk = await deskWithBody();
      await desk.emulator.control.setFault({ operation: 'validateRequest', fault });
      await check(await desk.action('validateRequest', desk.body));
    });
  }

  it('disconnect tells the host to cut the connection', async () => {
    const desk = await deskWithBody();
    await desk.emulator.control.setFault({ operation: 'validateRequest', fault: { kind: 'disconnect' } });
    await assert.rejects(
      desk.action('validateRequest', desk.body),
      (error) => error instanceof EmulatorError && error.code === 'emulator.disconnect',
    );
  });

  it('cutBody fails the body in its middle where there is no host to cut the connection', async () => {
    const desk = await deskWithBody();
    await desk.emulator.control.setFault({ operation: 'validateRequest', fault: { kind: 'cutBody' } });
    const response = await desk.action('validateRequest', desk.body);
    assert.equal(response.status, 200);
    await assert.rejects(response.text(), { code: 'emulator.disconnect' });
  });

  it('nestedError is JSON inside a text inside JSON', async () => {
    const desk = await deskWithBody();
    const fault = { kind: 'nestedError', message: 'Busy' } as const;
    await desk.emulator.control.setFault({ operation: 'validateRequest', fault });
    const { error } = (await (await desk.action('validateRequest', desk.body)).json()) as {
      error: { message: string };
    };
    assert.match((JSON.parse(error.message) as { Message: string }).Message, /^Busy - Operation ID/u);
  });

  it('hits as many requests as it says, then is gone', async () => {
    const desk = await deskWithBody();
    const { control } = desk.emulator;
    await control.setFault({ operation: 'validateRequest', fault: { kind: 'http', status: 500 }, times: 2 });
    const statuses = [];
    for (let request = 0; request < 3; request += 1) {
      statuses.push((await desk.action('validateRequest', desk.body)).status);
    }
    assert.deepEqual(statuses, [500, 500, 200]);
    assert.deepEqual(await control.faults(), []);
  });

  it('does not process the request', async () => {
    const desk = await deskWithBody();
    await desk.emulator.control.setFault({ operation: 'validateRequest', fault: { kind: 'http', status: 500 } });
    await desk.action('validateRequest', desk.body);
    assert.equal((await desk.emulator.control.reports())[0]?.certificateIssuanceState, 'challengeIssued');
  });

  it('processes it when it is to spoil the answer only', async () => {
    const desk = await deskWithBody();
    const { control } = desk.emulator;
    await control.setFault({ operation: 'validateRequest', fault: { kind: 'html' }, afterProcessing: true });
    assert.equal((await desk.action('validateRequest', desk.body)).status, 502);
    assert.equal((await control.reports())[0]?.certificateIssuanceState, 'challengeValidationSucceeded');
  });

  it("of the token endpoint can be any of Entra's errors", async () => {
    const desk = await deskWithBody();
    const errorDescription = 'AADSTS7000222: The provided client secret keys are expired.';
    const fault = { kind: 'code', code: 'invalid_client', errorDescription } as const;
    await desk.emulator.control.setFault({ operation: 'token', fault });
    const body = await json(await desk.tokenResponse());
    assert.deepEqual([body['error'], body['error_codes']], ['invalid_client', [7_000_222]]);
    assert.ok(String(body['error_description']).startsWith(`${errorDescription} Trace ID`));
  });

  it('leaves other operations alone and can be cleared', async () => {
    const desk = await deskWithBody();
    const { control } = desk.emulator;
    await control.setFault({ operation: 'token', fault: { kind: 'code', code: 'temporarily_unavailable' } });
    await control.setFault({ operation: 'discovery', fault: { kind: 'http', status: 429 } });
    const refused = await desk.tokenResponse();
    assert.deepEqual([refused.status, (await json(refused))['error']], [400, 'temporarily_unavailable']);
    await control.clearFaults('token');
    assert.deepEqual(
      (await control.faults()).map(({ operation }) => operation),
      ['discovery'],
    );
    const authorization = `Bearer ${await desk.token(graphScope)}`;
    const url = `${origin}/v1.0/servicePrincipals/appId=0000000a-0000-0000-c000-000000000000/endpoints`;
    const discover = () => desk.emulator.fetchMicrosoft(new Request(url, { headers: { authorization } }));
    assert.equal((await discover()).status, 429);
    await control.clearFaults();
    assert.equal((await discover()).status, 200);
  });
});
