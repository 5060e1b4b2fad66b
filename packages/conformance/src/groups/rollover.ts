/** GetNextCACert: RFC 8894 section 4.7. */
import { decodeCertificate, equalBytes, formatName } from '@scepter/x509';
import type { Certificate } from '@scepter/x509';
import { CheckStopped, fail, notApplicable, verdict } from '../check.ts';
import type { CheckGroup } from '../check.ts';
import type { ServerUnderTest } from '../server-under-test.ts';
import { describeAnswer } from '../transaction.ts';
import { isAuthority } from '../wire/authority.ts';
import {
  attributeProblems,
  readReply,
  readSignedData,
  signatureVerifies,
  signerCertificate,
} from '../wire/read-reply.ts';
import type { Reply } from '../wire/read-reply.ts';
import type { HttpAnswer } from '../http/transport.ts';

const nextAnswer = (server: ServerUnderTest): Promise<HttpAnswer> =>
  server.once('GetNextCACert', async () => {
    if (!(await server.announces('GetNextCACert')))
      throw new CheckStopped(notApplicable('GetNextCACert is not announced'));
    return server.get('GetNextCACert');
  });

const nextMessage = async (server: ServerUnderTest): Promise<Reply> => {
  const answer = await nextAnswer(server);
  try {
    return readReply(answer.body);
  } catch {
    throw new CheckStopped(fail(`no signed message: ${describeAnswer(answer)}`));
  }
};

const nextCertificates = async (server: ServerUnderTest): Promise<Certificate[]> => {
  const { content } = await nextMessage(server);
  try {
    return readSignedData(content ?? new Uint8Array()).certificates.map((encoded) =>
      decodeCertificate(encoded, { rules: 'ber' }),
    );
  } catch {
    throw new CheckStopped(fail('the signed content is no certificates-only message'));
  }
};

export const rollover: CheckGroup = {
  name: 'rollover',
  checks: [
    {
      id: 'rollover.answer',
      title: 'GetNextCACert is answered where it is announced',
      section: '4.7.1',
      level: 'MUST',
      expected: 'HTTP 200 and application/x-x509-next-ca-cert',
      hint: 'Announce GetNextCACert only while a next CA certificate is ready.',
      run: async (server) => {
        const answer = await nextAnswer(server);
        return verdict(
          answer.status === 200 && answer.mediaType === 'application/x-x509-next-ca-cert',
          describeAnswer(answer),
        );
      },
    },
    {
      id: 'rollover.signed',
      title: 'it is signed by the current CA',
      section: '4.7.1',
      level: 'MUST',
      expected: "a valid signature by the current CA's key",
      hint: 'Clients believe the next CA certificate for this signature alone.',
      run: async (server) => {
        const message = await nextMessage(server);
        // The RA does not count here: "signed by the current CA signing key".
        const { authorities } = await server.roles();
        const certificate = signerCertificate(message, authorities);
        const known = authorities.some(
          ({ publicKey }) => certificate !== undefined && equalBytes(publicKey.encoded, certificate.publicKey.encoded),
        );
        if (certificate === undefined || !known) return fail('not signed by a CA that GetCACert gave');
        const valid = signatureVerifies(message, certificate) && attributeProblems(message).length === 0;
        return verdict(valid, valid ? formatName(certificate.subject) : 'the signature does not verify');
      },
    },
    {
      id: 'rollover.next-authority',
      title: 'it brings another CA certificate than today’s',
      section: '4.7.1',
      level: 'MUST',
      expected: 'a certificates-only message with a CA certificate that GetCACert does not give yet',
      hint: 'Put the next CA certificate into it.',
      run: async (server) => {
        const certificates = await nextCertificates(server);
        const { all } = await server.roles();
        const next = certificates.filter(
          (certificate) =>
            isAuthority(certificate) && !all.some(({ encoded }) => equalBytes(encoded, certificate.encoded)),
        );
        return verdict(
          next.length > 0,
          certificates
            .map(({ notBefore, subject }) => `${formatName(subject)} from ${notBefore.toISOString().slice(0, 10)}`)
            .join('; '),
        );
      },
    },
    {
      id: 'rollover.unannounced',
      title: 'GetNextCACert without a next CA is a 4xx',
      section: 'practice',
      level: 'practice',
      expected: 'a 4xx status',
      hint: 'A 200 with the current certificates makes clients install them as the next.',
      run: async (server) => {
        if (await server.announces('GetNextCACert')) return notApplicable('GetNextCACert is announced');
        const answer = await server.get('GetNextCACert');
        return verdict(answer.status >= 400 && answer.status < 500, describeAnswer(answer));
      },
    },
  ],
};
