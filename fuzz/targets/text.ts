/** What comes as text: names, PEM, URLs, settings. */
import {
  decodePem,
  encodePem,
  equalBytes,
  formatName,
  NameError,
  namesEqual,
  parseName,
  TextEncodingError,
} from '@scepter/x509';
import { parseSettings, SettingsError } from '@scepter/server';
import { decodeMessage, parseScepQuery } from '../../packages/server/src/http/scep-query.ts';
import { attempt, bucket, promise } from '../outcome.ts';
import type { Outcome } from '../outcome.ts';
import type { OpenTarget, Target } from './target.ts';
import { checkName } from './x509.ts';

const utf8 = (input: Uint8Array): string => Buffer.from(input).toString('utf8');
const latin1 = (input: Uint8Array): string => Buffer.from(input).toString('latin1');

const nameText = (): OpenTarget => ({
  execute(input): Outcome {
    const read = attempt(() => parseName(utf8(input)), NameError);
    if (!read.accepted) return read;
    const again = attempt(() => parseName(formatName(read.value)), NameError);
    if (again.accepted)
      promise(namesEqual(read.value, again.value), 'a name from text is another one from its own text');
    return { accepted: true, signature: checkName(read.value) };
  },
});

const pem = (): OpenTarget => ({
  execute(input): Outcome {
    const read = attempt(() => decodePem(latin1(input)), TextEncodingError);
    if (!read.accepted) return read;
    const again = decodePem(read.value.map(({ label, bytes }) => encodePem(label, bytes)).join(''));
    promise(again.length === read.value.length, 'blocks get lost');
    for (const [index, { label, bytes }] of read.value.entries()) {
      promise(
        again[index]?.label === label && equalBytes(again[index].bytes, bytes),
        'a block is another one when written again',
      );
    }
    return {
      accepted: read.value.length > 0,
      signature: read.value.map(({ label, bytes }) => `${label.length} ${bucket(bytes.length)}`).join(),
    };
  },
});

const query = (): OpenTarget => ({
  execute(input): Outcome {
    const { operation, rawMessage } = parseScepQuery(latin1(input));
    const message = rawMessage === undefined ? undefined : decodeMessage(rawMessage);
    if (message !== undefined) {
      promise(message.length > 0, 'a message of no bytes');
      const again = decodeMessage(encodeURIComponent(Buffer.from(message).toString('base64')));
      promise(again !== undefined && equalBytes(again, message), 'a message is another one when sent again');
    }
    return {
      accepted: message !== undefined,
      signature: `${operation?.slice(0, 12)} ${rawMessage === undefined ? '' : bucket(rawMessage.length)} ${message?.length}`,
    };
  },
});

const settings = (): OpenTarget => {
  const context = {
    baseFolder: '/nowhere',
    environment: { SECRET: 'a challenge that is long enough' },
    readFile: () => 'a secret that stands in a file, and is long enough',
    processors: 2,
  };
  return {
    execute(input): Outcome {
      const json = attempt(() => JSON.parse(utf8(input)) as unknown, SyntaxError);
      if (!json.accepted) return { accepted: false, signature: 'no JSON' };
      const read = attempt(() => parseSettings(json.value, context), SettingsError);
      if (!read.accepted) {
        const { message } = read.error;
        promise(!message.includes(context.environment.SECRET), 'a secret stands in an error');
        return { accepted: false, signature: message.replaceAll(/\d+|"[^"]*"/g, '#').slice(0, 100) };
      }
      promise(
        Object.getPrototypeOf({}) === Object.prototype && !('polluted' in {}),
        'settings reach the prototype of all objects',
      );
      return { accepted: true, signature: `${read.value.endpoints.length} ${read.value.connections.length}` };
    },
  };
};

export const textTargets: readonly Target[] = [
  { name: 'name-text', description: 'names as text, RFC 4514', inputKind: 'text', open: nameText },
  { name: 'pem', description: 'PEM blocks', inputKind: 'text', open: pem },
  { name: 'scep-query', description: 'the query of a SCEP URL with its message', inputKind: 'text', open: query },
  { name: 'settings', description: 'the configuration file', inputKind: 'json', open: settings },
];
