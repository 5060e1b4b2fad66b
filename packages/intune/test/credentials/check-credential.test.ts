import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { checkCredential } from '../../src/credentials/check-credential.ts';
import { IntuneArgumentError } from '../../src/index.ts';
import { createClientIdentity } from '../tls-certificate.ts';

const clientId = '8d1b6f52-7c6e-4f0e-9b5a-0d4f6a1f2e33';
const clientSecret = 'CANARY-secret';
const passphrase = 'CANARY passphrase';
const { cert: certificate, key: privateKey, encryptedKey } = createClientIdentity('application');
const ec = createClientIdentity('elliptic', { keyType: 'ec' });
const short = createClientIdentity('short', { keyType: 'shortRsa' });
const federatedToken = { file: '/token' };

describe('checkCredential', () => {
  const good: [name: string, credential: object][] = [
    ['a client secret', { clientId, clientSecret }],
    ['a secret beside members that are undefined', { clientId, clientSecret, certificate: undefined }],
    ['a secret in a file', { clientId, clientSecretFile: '/secret' }],
    ['a certificate', { clientId, certificate, privateKey }],
    [
      'a certificate with an encrypted key',
      { clientId, certificate, privateKey: encryptedKey(passphrase), passphrase },
    ],
    ['a certificate in a file', { clientId, certificateFile: '/pem', privateKeyFile: '/key', passphrase }],
    ['the system-assigned identity', { managedIdentity: true }],
    ['a user-assigned identity', { managedIdentity: { clientId } }],
    ['an identity by object id', { managedIdentity: { objectId: clientId } }],
    ['an identity by resource id', { managedIdentity: { resourceId: '/subscriptions/1' }, environment: {} }],
    ['a federated token in a file', { clientId, federatedToken }],
    ['a federated token of a function', { clientId, federatedToken: async () => 'x' }],
    [
      'a federated managed identity',
      { clientId, federatedToken: { managedIdentity: { clientId: 'b' }, audience: 'api://a' } },
    ],
    ['a token credential', { getToken: async () => null }],
  ];
  for (const [name, credential] of good) {
    it(`takes ${name}`, () => {
      assert.doesNotThrow(() => checkCredential(credential));
    });
  }

  it('keeps a copy, which later changes of the original do not reach', () => {
    const credential = { clientId, clientSecret };
    const checked = checkCredential(credential);
    credential.clientSecret = 'changed';
    assert.deepEqual(checked, { clientId, clientSecret });
  });

  const wrong: [name: string, credential: unknown, argument: string][] = [
    ['nothing', undefined, 'credential'],
    ['a text', 'CANARY', 'credential'],
    ['no kind at all', { clientId }, 'credential.clientSecret'],
    ['no id', { clientSecret }, 'credential.clientId'],
    ['an id that is a number', { clientId: 5, clientSecret }, 'credential.clientId'],
    ['a secret that is a number', { clientId, clientSecret: 5 }, 'credential.clientSecret'],
    ['an empty secret', { clientId, clientSecret: '' }, 'credential.clientSecret'],
    ['secret and certificate', { clientId, clientSecret, certificate, privateKey }, 'credential.certificate'],
    ['secret and file', { clientId, clientSecret, clientSecretFile: '/secret' }, 'credential.clientSecretFile'],
    ['an empty path', { clientId, clientSecretFile: '' }, 'credential.clientSecretFile'],
    ['a path with NUL', { clientId, clientSecretFile: '/a\0b' }, 'credential.clientSecretFile'],
    ['a certificate without key', { clientId, certificate }, 'credential.privateKey'],
    ['a certificate that is none', { clientId, certificate: 'CANARY', privateKey }, 'credential.certificate'],
    ['a key that is none', { clientId, certificate, privateKey: 'CANARY' }, 'credential.privateKey'],
    ['the key of another', { clientId, certificate, privateKey: ec.key }, 'credential.privateKey'],
    ['a short key', { clientId, certificate: short.cert, privateKey: short.key }, 'credential.privateKey'],
    ['an EC key', { clientId, certificate: ec.cert, privateKey: ec.key }, 'credential.privateKey'],
    [
      'an encrypted key alone',
      { clientId, certificate, privateKey: encryptedKey(passphrase) },
      'credential.privateKey',
    ],
    [
      'a wrong passphrase',
      { clientId, certificate, privateKey: encryptedKey(passphrase), passphrase: 'CANARY' },
      'credential.privateKey',
    ],
    ['a passphrase that is none', { clientId, certificateFile: '/pem', passphrase: 5 }, 'credential.passphrase'],
    [
      'a chain by text',
      { clientId, certificate, privateKey, sendCertificateChain: 'no' },
      'credential.sendCertificateChain',
    ],
    ['a key file that is none', { clientId, certificateFile: '/pem', privateKeyFile: 5 }, 'credential.privateKeyFile'],
    ['no managed identity', { managedIdentity: false }, 'credential.managedIdentity'],
    ['an identity by nothing', { managedIdentity: {} }, 'credential.managedIdentity'],
    ['an identity by a name', { managedIdentity: { name: 'x' } }, 'credential.managedIdentity'],
    ['an identity by two ids', { managedIdentity: { clientId, objectId: clientId } }, 'credential.managedIdentity'],
    ['an identity by an empty id', { managedIdentity: { clientId: '' } }, 'credential.managedIdentity.clientId'],
    ['an environment that is none', { managedIdentity: true, environment: 'x' }, 'credential.environment'],
    ['a federation without id', { federatedToken }, 'credential.clientId'],
    ['a federated token as such', { clientId, federatedToken: 'CANARY' }, 'credential.federatedToken'],
    ['a federation without file', { clientId, federatedToken: {} }, 'credential.federatedToken.file'],
    [
      'a federation of two kinds',
      { clientId, federatedToken: { file: '/a', managedIdentity: true } },
      'credential.federatedToken.file',
    ],
    [
      'a federation of an identity that is none',
      { clientId, federatedToken: { managedIdentity: 1 } },
      'credential.federatedToken.managedIdentity',
    ],
    [
      'a federation of the system-assigned identity',
      { clientId, federatedToken: { managedIdentity: true } },
      'credential.federatedToken.managedIdentity',
    ],
    [
      'an empty audience',
      { clientId, federatedToken: { managedIdentity: { clientId: 'b' }, audience: '' } },
      'credential.federatedToken.audience',
    ],
  ];
  for (const [name, credential, argument] of wrong) {
    it(`names ${argument} for ${name}, and shows nothing of it`, () => {
      assert.throws(
        () => checkCredential(credential),
        (error) => {
          assert.ok(error instanceof IntuneArgumentError, inspect(error));
          assert.equal(error.argument, argument);
          assert.doesNotMatch(inspect(error, { depth: 20, showHidden: true }), /CANARY/);
          return true;
        },
      );
    });
  }
});
