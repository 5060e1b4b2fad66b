/** CertPoll: RFC 8894 sections 3.3.3 and 4.4. */
import { equalBytes } from '@scepter/x509';
import { fail, notApplicable, verdict } from '../check.ts';
import type { CheckGroup } from '../check.ts';
import { firstAttempt, firstEnrollment, needEnrollment, openSuccess, poll, pollData } from '../device/enroll.ts';
import { describeTransaction, isFailure, isSuccess, requireReply, requireServed } from '../transaction.ts';
import { messageTypes } from '../wire/object-identifiers.ts';

export const pollGroup: CheckGroup = {
  name: 'poll',
  checks: [
    {
      id: 'poll.unknown-transaction',
      title: 'a poll for an unknown transaction is refused',
      section: '4.4',
      level: 'MUST',
      expected: 'FAILURE',
      hint: 'A client that gets PENDING for it would poll for ever.',
      run: async (server) => {
        const device = await server.anyDevice();
        const messageData = await pollData(server, device.subject);
        const transaction = await server.request({ messageType: messageTypes.CertPoll, messageData, device });
        requireServed(transaction);
        return verdict(isFailure(transaction), describeTransaction(transaction));
      },
    },
    {
      id: 'poll.pending-envelope',
      title: 'a PENDING has no envelope',
      section: '3.3.2.3',
      level: 'MUST',
      expected: 'no eContent',
      hint: 'There is nothing to transport; leave the content out.',
      run: async (server) => {
        const { transaction } = await firstAttempt(server);
        const reply = requireReply(transaction);
        if (reply.status !== 'PENDING')
          return notApplicable(`no request is PENDING here: ${describeTransaction(transaction)}`);
        return verdict(
          reply.content === undefined,
          reply.content === undefined ? 'omitted' : `${reply.content.length} bytes of content`,
        );
      },
    },
    {
      id: 'poll.decided',
      title: 'a poll gets PENDING until the request is decided',
      section: '4.4, 5.1',
      level: 'MUST',
      expected: 'PENDING, and SUCCESS once the request is approved (with --pending)',
      hint: 'Match a poll by its transactionID and its recipient.',
      run: async (server) => {
        const attempted = await firstAttempt(server);
        if (attempted.transaction.reply?.status !== 'PENDING') {
          return notApplicable(`no request is PENDING here: ${describeTransaction(attempted.transaction)}`);
        }
        const polled = await poll(server, attempted);
        if (polled.reply?.status !== 'PENDING' && !isSuccess(polled)) return fail(describeTransaction(polled));
        if ((server.options.pendingSeconds ?? 0) === 0) return verdict(true, describeTransaction(polled));
        const { transaction } = await firstEnrollment(server);
        return verdict(
          isSuccess(transaction),
          `${describeTransaction(polled)}, then ${describeTransaction(transaction)}`,
        );
      },
    },
    {
      id: 'poll.after-issuance',
      title: 'a poll after the issuance gets the certificate',
      section: '5.2',
      level: 'practice',
      expected: 'SUCCESS with the certificate of that transaction: its reply may have been lost',
      hint: 'Keep the outcome for those who ask late.',
      run: async (server) => {
        const enrollment = await needEnrollment(server);
        const polled = await poll(server, enrollment);
        requireServed(polled);
        if (!isSuccess(polled)) return fail(describeTransaction(polled));
        const { certificates } = openSuccess(server, polled, enrollment.signer);
        const same = certificates.some(({ encoded }) => equalBytes(encoded, enrollment.certificate.encoded));
        return verdict(same, same ? 'the same certificate' : 'another certificate');
      },
    },
  ],
};
