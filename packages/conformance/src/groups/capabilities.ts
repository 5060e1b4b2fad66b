/** GetCACaps: RFC 8894 section 3.5. */
import { noneWrong, notApplicable, verdict } from '../check.ts';
import type { CheckGroup } from '../check.ts';
import { describeAnswer } from '../transaction.ts';

/** RFC 8894 section 3.5.2, table 7, as it is to be written. */
const keywords = [
  'AES',
  'DES3',
  'GetNextCACert',
  'POSTPKIOperation',
  'Renewal',
  'SHA-1',
  'SHA-256',
  'SHA-512',
  'SCEPStandard',
] as const;

/** certmonger reads no more. */
const mostBytes = 1024;

const present = (lines: readonly string[]): string[] => lines.map((line) => line.trim()).filter((line) => line !== '');

export const capabilities: CheckGroup = {
  name: 'capabilities',
  checks: [
    {
      id: 'caps.answer',
      title: 'GetCACaps is answered',
      section: '2.9, 3.5.1',
      level: 'MUST',
      expected: 'HTTP 200 with at least one keyword',
      hint: 'Without it, clients fall back to GET, SHA-1 and triple DES.',
      run: async (server) => {
        const answer = await server.capabilitiesAnswer();
        const lines = present(await server.capabilityLines());
        return verdict(lines.length > 0, lines.length > 0 ? lines.join(' ') : describeAnswer(answer));
      },
    },
    {
      id: 'caps.content-type',
      title: 'GetCACaps is text/plain',
      section: '3.5.2',
      level: 'SHOULD',
      expected: 'text/plain',
      hint: 'Set the Content-Type.',
      run: async (server) => {
        const answer = await server.capabilitiesAnswer();
        return verdict(answer.mediaType === 'text/plain', describeAnswer(answer));
      },
    },
    {
      id: 'caps.mandatory',
      title: 'POST, AES and SHA-256 are announced',
      section: '2.9, 3.5.2',
      level: 'MUST',
      expected: 'SCEPStandard, or POSTPKIOperation with AES and SHA-256',
      hint: 'All of them are mandatory to implement, and a client uses only what is announced.',
      run: async (server) => {
        if (await server.announces('SCEPStandard')) return verdict(true, 'SCEPStandard');
        const missing: string[] = [];
        for (const keyword of ['POSTPKIOperation', 'AES', 'SHA-256']) {
          if (!(await server.announces(keyword))) missing.push(`${keyword} is missing`);
        }
        return noneWrong(missing, 'POSTPKIOperation AES SHA-256');
      },
    },
    {
      id: 'caps.each-by-name',
      title: 'what SCEPStandard implies is named, too',
      section: '3.5.2',
      level: 'practice',
      expected: 'AES, POSTPKIOperation and SHA-256 on lines of their own',
      hint: 'Clients older than RFC 8894 do not know SCEPStandard.',
      run: async (server) => {
        if (!(await server.announces('SCEPStandard'))) return notApplicable('SCEPStandard is not announced');
        const missing: string[] = [];
        for (const keyword of ['POSTPKIOperation', 'AES', 'SHA-256']) {
          if (!(await server.announces(keyword))) missing.push(`${keyword} is missing`);
        }
        return noneWrong(missing, 'all three are there');
      },
    },
    {
      id: 'caps.case',
      title: "keywords have the RFC's case",
      section: '3.5.2',
      level: 'MUST',
      expected: 'AES, DES3, GetNextCACert, POSTPKIOperation, Renewal, SHA-1, SHA-256, SHA-512, SCEPStandard',
      hint: 'Some clients compare case and all.',
      run: async (server) => {
        const wrong = present(await server.capabilityLines()).filter((line) =>
          keywords.some((keyword) => keyword !== line && keyword.toLowerCase() === line.toLowerCase()),
        );
        return noneWrong(
          wrong.map((line) => `${line} has another case`),
          'every known keyword as in table 7',
        );
      },
    },
    {
      id: 'caps.no-weak-algorithm',
      title: 'neither MD5 nor single DES is announced',
      section: '2.9',
      level: 'MUST',
      expected: 'no such keyword',
      hint: 'Devices that know nothing else belong on an endpoint of their own.',
      run: async (server) => {
        const weak = present(await server.capabilityLines()).filter((line) => /^(md5|des|des-cbc)$/i.test(line));
        return noneWrong(
          weak.map((line) => `${line} is announced`),
          'none',
        );
      },
    },
    {
      id: 'caps.no-empty-line',
      title: 'no empty line, also not at the end',
      section: 'practice (strongSwan)',
      level: 'practice',
      expected: 'keywords, with one line end between two of them and at most one behind the last',
      hint: 'strongSwan compares by the length of the line: an empty one stands for every capability.',
      run: async (server) => {
        const lines = await server.capabilityLines();
        const inner = lines.at(-1) === '' ? lines.slice(0, -1) : lines;
        const empty = inner.filter((line) => line.trim() === '').length;
        return verdict(empty === 0, `${inner.length} lines, ${empty} empty`);
      },
    },
    {
      id: 'caps.size',
      title: 'the answer has at most 1,024 bytes',
      section: 'practice (certmonger)',
      level: 'practice',
      expected: 'a short list',
      hint: 'certmonger reads no more; a page of HTML is no list of capabilities.',
      run: async (server) => {
        const answer = await server.capabilitiesAnswer();
        return verdict(answer.body.length <= mostBytes, describeAnswer(answer));
      },
    },
    {
      id: 'caps.private-names',
      title: 'keywords of one vendor carry its domain name',
      section: '6',
      level: 'practice',
      expected: 'such as Example.com-Name; SHA-384 is in general use',
      hint: 'Two vendors may mean different things by the same word.',
      run: async (server) => {
        const known: readonly string[] = [...keywords, 'SHA-384', 'SHA-224'];
        const foreign = present(await server.capabilityLines()).filter(
          (line) => !known.some((keyword) => keyword.toLowerCase() === line.toLowerCase()) && !/\.[a-z]+-/i.test(line),
        );
        return noneWrong(
          foreign.map((line) => `${line} is not registered`),
          'registered keywords only',
        );
      },
    },
  ],
};
