/** How SCEP travels: RFC 8894 section 4.1. */
import { fail, notApplicable, pass, verdict } from '../check.ts';
import type { CheckGroup } from '../check.ts';
import { refusedAttempt } from '../device/enroll.ts';
import { buildCanary, findCanary } from '../device/canary.ts';
import { describeAnswer, describeTransaction, requireReply, isFailure } from '../transaction.ts';

const text = new TextEncoder();

const isClientError = (status: number): boolean => status >= 400 && status < 500;

export const http: CheckGroup = {
  name: 'http',
  checks: [
    {
      id: 'http.post',
      title: 'PKIOperation by POST is answered with a CertRep',
      section: '2.9, 4.3',
      level: 'MUST',
      expected: 'HTTP 200 and a signed CertRep',
      hint: 'POST is mandatory; the body is the bare CMS message.',
      run: async (server) => {
        const transaction = await server.post(await buildCanary(server));
        requireReply(transaction);
        return pass(describeTransaction(transaction));
      },
    },
    {
      id: 'http.get',
      title: 'PKIOperation by GET is answered with a CertRep',
      section: '4.1',
      level: 'practice',
      expected: 'the same answer as by POST',
      hint: 'certmonger, older Cisco and FortiGate clients use nothing but GET.',
      run: async (server) => {
        const transaction = await server.getOperation(await buildCanary(server));
        requireReply(transaction);
        return pass(describeTransaction(transaction));
      },
    },
    {
      id: 'http.content-type',
      title: 'a CertRep is application/x-pki-message',
      section: '4.3.1',
      level: 'MUST',
      expected: 'application/x-pki-message, without parameters',
      hint: 'sscep and certmonger compare the whole value.',
      run: async (server) => {
        const { plain } = await findCanary(server);
        requireReply(plain);
        return verdict(plain.answer.contentType === 'application/x-pki-message', describeAnswer(plain.answer));
      },
    },
    {
      id: 'http.refusal-status',
      title: 'a refusal is a signed FAILURE under HTTP 200',
      section: '3.3.2.2',
      level: 'MUST',
      expected: 'HTTP 200 with a CertRep, whatever the reason of the refusal',
      hint: 'Clients read nothing from an HTTP error: they cannot tell a wrong challenge from an outage.',
      run: async (server) => {
        const { transaction } = await refusedAttempt(server);
        requireReply(transaction);
        const seen = `${describeTransaction(transaction)}, HTTP ${transaction.answer.status}`;
        if (!isFailure(transaction)) return notApplicable(`a request with a wrong challenge was not refused: ${seen}`);
        return verdict(transaction.answer.status === 200, seen);
      },
    },
    {
      id: 'http.unserved-message',
      title: 'a message that is not served is a signed FAILURE, too',
      section: '3.3.2.2',
      level: 'practice',
      expected: 'HTTP 200 with a CertRep FAILURE',
      hint: 'Answer every message that can be decoded with a CertRep, also of a type that is not supported.',
      run: async (server) => {
        const { plan } = await findCanary(server);
        const transaction = await server.request({ ...plan, messageType: '20' });
        requireReply(transaction);
        return verdict(
          transaction.answer.status === 200,
          `${describeTransaction(transaction)}, HTTP ${transaction.answer.status}`,
        );
      },
    },
    {
      id: 'http.garbage',
      title: 'a body that is no CMS message is a short 4xx',
      section: 'practice',
      level: 'practice',
      expected: 'a 4xx status: nobody can be answered by a CertRep',
      hint: 'A 5xx says that the server is broken, and makes clients and balancers try again.',
      run: async (server) => {
        const body = text.encode('This is not a SCEP message.');
        const answer = await server.transport.send({ query: 'operation=PKIOperation', body });
        return verdict(isClientError(answer.status) && answer.body.length < 16_384, describeAnswer(answer));
      },
    },
    {
      id: 'http.unknown-operation',
      title: 'an operation that does not exist is a 4xx',
      section: '4.1',
      level: 'practice',
      expected: 'a 4xx status',
      hint: 'A 200 or a redirect is taken for an answer to what was asked.',
      run: async (server) => {
        const answer = await server.get('GetNothingLikeThis');
        return verdict(isClientError(answer.status), describeAnswer(answer));
      },
    },
    {
      id: 'http.path-suffix',
      title: 'what clients append to the path is ignored',
      section: '4.1',
      level: 'SHOULD',
      expected: 'GetCACert below …/pkiclient.exe gives the same certificates',
      hint: 'Cisco and Windows append /pkiclient.exe to the URL that they are given.',
      run: async (server) => {
        const plain = await server.caCertificatesAnswer();
        const answer = await server.get('GetCACert', { pathSuffix: '/pkiclient.exe' });
        const same = answer.status === 200 && Buffer.compare(answer.body, plain.body) === 0;
        return verdict(same, describeAnswer(answer));
      },
    },
    {
      id: 'http.no-redirect',
      title: 'no operation is redirected',
      section: '7.10',
      level: 'practice',
      expected: 'no 3xx status',
      hint: 'SCEP clients do not follow redirects; plain HTTP has to stay possible.',
      run: async (server) => {
        const answers = [await server.capabilitiesAnswer(), await server.caCertificatesAnswer()];
        const redirected = answers.find(({ status }) => status >= 300 && status < 400);
        if (redirected !== undefined)
          return fail(`HTTP ${redirected.status} to ${redirected.headers.get('location') ?? 'nowhere'}`);
        return pass(answers.map(({ status }) => `HTTP ${status}`).join(', '));
      },
    },
  ],
};
