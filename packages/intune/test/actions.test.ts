import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { hResults, type IntuneClient } from '../src/index.ts';
import { Microsoft, servicePath, token } from './microsoft.ts';
import { certificateRequest, failure, success, validation } from './requests.ts';

const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

describe('actions on the wire', () => {
  let microsoft: Microsoft;
  let client: IntuneClient;
  before(async () => {
    microsoft = await Microsoft.start();
    client = microsoft.connect();
  });
  after(() => microsoft.stop());
  beforeEach(() => microsoft.received.splice(0));

  const sentBody = (): unknown => JSON.parse(microsoft.last('service').body);

  it('validateRequest posts transaction id, request and caller', async () => {
    await client.validateRequest(validation);
    const { method, path, headers } = microsoft.last('service');
    assert.equal(`${method} ${path}`, `POST ${servicePath}/ScepActions/validateRequest`);
    assert.deepEqual(sentBody(), {
      request: { transactionId: 'TRANSACTION-1', certificateRequest, callerInfo: 'Test CA 1.0' },
    });
    assert.equal(headers['api-version'], '2018-02-20');
    assert.equal(headers['content-type'], 'application/json; charset=utf-8');
    assert.match(headers['authorization'] ?? '', /^Bearer CANARYtoken/);
  });

  it('notifySuccess posts all nine members, the thumbprint in upper case, the date as ISO 8601 in UTC', async () => {
    await client.notifySuccess({ ...success, caConfiguration: 'config', certificateAuthority: 'authority' });
    assert.equal(microsoft.last('service').path, `${servicePath}/ScepActions/successNotification`);
    assert.deepEqual(sentBody(), {
      notification: {
        transactionId: 'TRANSACTION-1',
        certificateRequest,
        certificateThumbprint: '0123456789ABCDEF0123456789ABCDEF01234567',
        certificateSerialNumber: '4F00A1',
        certificateExpirationDateUtc: '2027-11-22T10:20:30.456Z',
        issuingCertificateAuthority: 'CN=Zürich Issuing CA,O=Contoso',
        callerInfo: 'Test CA 1.0',
        caConfiguration: 'config',
        certificateAuthority: 'authority',
      },
    });
  });

  it('notifySuccess fills in the two later members', async () => {
    await client.notifySuccess(success);
    const { notification } = sentBody() as { notification: Record<string, unknown> };
    assert.equal(notification['caConfiguration'], success.issuingCertificateAuthority);
    assert.equal(notification['certificateAuthority'], '');
  });

  it('notifyFailure posts a signed HRESULT and the description', async () => {
    await client.notifyFailure(failure);
    assert.equal(microsoft.last('service').path, `${servicePath}/ScepActions/failureNotification`);
    assert.deepEqual(sentBody(), {
      notification: {
        transactionId: 'TRANSACTION-1',
        certificateRequest,
        hResult: -2146875375,
        errorDescription: 'RSA key shorter than 2048 bits',
        callerInfo: 'Test CA 1.0',
      },
    });
  });

  const hResultRows: [name: string, given: number, sent: number][] = [
    ['unsigned', 0x80004005, -2147467259],
    ['signed', -2147467259, -2147467259],
    ['positive', 5, 5],
    ['smallest', -0x80000000, -0x80000000],
    ['largest unsigned', 0xffffffff, -1],
    ['from the table', hResults.CERTSRV_E_KEY_LENGTH, -2146875375],
  ];
  for (const [name, given, sent] of hResultRows) {
    it(`sends a ${name} HRESULT as a signed 32-bit integer`, async () => {
      await client.notifyFailure({ ...failure, hResult: given });
      assert.equal((sentBody() as { notification: { hResult: number } }).notification.hResult, sent);
    });
  }

  const descriptionRows: [name: string, given: string, sent: string][] = [
    ['255 units stay', 'x'.repeat(255), 'x'.repeat(255)],
    ['256 units lose one', 'x'.repeat(256), 'x'.repeat(255)],
    ['a surrogate pair across the limit goes as a whole', `${'x'.repeat(254)}😀`, 'x'.repeat(254)],
    ['a surrogate pair before the limit stays', `${'x'.repeat(253)}😀y`, `${'x'.repeat(253)}😀`],
  ];
  for (const [name, given, sent] of descriptionRows) {
    it(`cuts descriptions: ${name}`, async () => {
      await client.notifyFailure({ ...failure, errorDescription: given });
      const { notification } = sentBody() as { notification: { errorDescription: string } };
      assert.equal(notification.errorDescription, sent);
    });
  }

  it('gives every call its own GUID, sends it and returns it', async () => {
    const first = await client.validateRequest(validation);
    const sent = microsoft.last('service').headers['client-request-id'];
    const second = await client.validateRequest(validation);
    assert.match(first.activityId, guid);
    assert.equal(first.activityId, sent);
    assert.notEqual(first.activityId, second.activityId);
  });

  it('sends the first call under one activity id to sign-in, discovery and service', async () => {
    const { activityId } = await microsoft.connect().validateRequest(validation);
    assert.equal(microsoft.received.length, 4);
    for (const request of microsoft.received.filter(({ operation }) => operation !== 'token')) {
      assert.equal(request.headers['client-request-id'], activityId);
    }
    for (const request of microsoft.received.filter(({ operation }) => operation === 'token')) {
      assert.equal(request.headers['client-request-id'], activityId);
    }
  });

  for (const code of ['Success', 'success', 'SUCCESS']) {
    it(`takes the code ${code} as success`, async () => {
      microsoft.answerNext('service', (response) => response.end(JSON.stringify({ code, errorDescription: null })));
      await assert.doesNotReject(client.validateRequest(validation));
    });
  }

  it('keeps using its connections', async (test) => {
    const alone = await Microsoft.start();
    test.after(() => alone.stop());
    const one = alone.connect();
    for (let call = 0; call < 20; call += 1) {
      await one.validateRequest(validation);
    }
    assert.ok(alone.openSockets <= 2, `${alone.openSockets} connections are open`);
    assert.equal(alone.last('service').headers['authorization'], `Bearer ${token(2)}`);
  });
});
