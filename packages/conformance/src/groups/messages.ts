/** What every CertRep has: RFC 8894 section 3.2. Looked at in the replies to requests that are refused. */
import { equalBytes, oid, resolveSignatureAlgorithm, tag, toHex } from '@scepter/x509';
import { fail, inconclusive, noneWrong, notApplicable, pass, verdict } from '../check.ts';
import type { Check, CheckGroup, Outcome } from '../check.ts';
import { findCanary } from '../device/canary.ts';
import { certificationRequest } from '../device/device.ts';
import type { ServerUnderTest } from '../server-under-test.ts';
import { describeTransaction, isFailure, isRefused, requireReply } from '../transaction.ts';
import type { RequestPlan, Transaction } from '../transaction.ts';
import { attributeProblems, signatureVerifies, signerCertificate, valuesOf } from '../wire/read-reply.ts';
import type { Reply } from '../wire/read-reply.ts';
import { messageTypes, wireOid } from '../wire/object-identifiers.ts';

/** A reply to look at: that to the canary. */
const onReply =
  (look: (reply: Reply, transaction: Transaction, server: ServerUnderTest) => Outcome | Promise<Outcome>) =>
  async (server: ServerUnderTest): Promise<Outcome> => {
    const { plain } = await findCanary(server);
    return look(requireReply(plain), plain, server);
  };

/** RFC 8894 section 3.2.1, table 1. */
const encodings: readonly (readonly [name: string, type: string, tagNumber: number, tagName: string])[] = [
  ['transactionID', wireOid.transactionId, tag.printableString, 'PrintableString'],
  ['messageType', wireOid.messageType, tag.printableString, 'PrintableString'],
  ['pkiStatus', wireOid.pkiStatus, tag.printableString, 'PrintableString'],
  ['failInfo', wireOid.failInfo, tag.printableString, 'PrintableString'],
  ['failInfoText', wireOid.failInfoText, tag.utf8String, 'UTF8String'],
  ['senderNonce', wireOid.senderNonce, tag.octetString, 'OCTET STRING'],
  ['recipientNonce', wireOid.recipientNonce, tag.octetString, 'OCTET STRING'],
];

const required: readonly (readonly [string, string])[] = [
  ['transactionID', wireOid.transactionId],
  ['messageType', wireOid.messageType],
  ['senderNonce', wireOid.senderNonce],
  ['pkiStatus', wireOid.pkiStatus],
  ['recipientNonce', wireOid.recipientNonce],
];

const plural = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

const structure: readonly Check[] = [
  {
    id: 'message.content-type',
    title: 'the eContentType is data',
    section: '3.2',
    level: 'MUST',
    expected: '1.2.840.113549.1.7.1',
    hint: 'A SignedData of another content type is no pkiMessage.',
    run: onReply(({ eContentType }) => verdict(eContentType === wireOid.data, eContentType)),
  },
  {
    id: 'message.one-signer',
    title: 'there is exactly one signer',
    section: '3.2',
    level: 'practice',
    expected: 'exactly one SignerInfo',
    hint: 'Clients read the first and do not agree on the rest.',
    run: onReply(({ signers }) => verdict(signers.length === 1, plural(signers.length, 'signer'))),
  },
  {
    id: 'message.cms-attributes',
    title: 'contentType and messageDigest are there and right',
    section: '3.2; RFC 5652 section 5.3',
    level: 'MUST',
    expected: 'both attributes, fitting the content',
    hint: 'BouncyCastle, and with it jscep, refuses a message without contentType.',
    run: onReply((reply) => noneWrong(attributeProblems(reply), 'both are right')),
  },
  {
    id: 'message.der-attributes',
    title: 'signed attributes stand in DER order',
    section: 'RFC 5652 section 5.3',
    level: 'MUST',
    expected: 'a SET OF in DER: ascending encodings',
    hint: 'Clients encode the attributes anew before they verify the signature.',
    run: onReply(({ signers }) =>
      verdict(
        signers[0]?.attributesInDerOrder ?? false,
        signers[0]?.attributesInDerOrder === true ? 'in order' : 'out of order',
      ),
    ),
  },
  {
    id: 'message.signature',
    title: 'the signature verifies',
    section: '3.2',
    level: 'MUST',
    expected: 'a valid signature by a certificate that GetCACert gave',
    hint: 'Sign with the key of the RA, or of the CA where there is no RA.',
    run: onReply(async (reply, _transaction, server) => {
      const { signers } = await server.roles();
      const certificate = signerCertificate(reply, signers);
      if (certificate === undefined) return fail("the signer's certificate is neither in the reply nor in GetCACert");
      if (!signers.some(({ publicKey }) => equalBytes(publicKey.encoded, certificate.publicKey.encoded))) {
        return fail('signed by a certificate that GetCACert did not give');
      }
      return verdict(
        signatureVerifies(reply, certificate),
        signatureVerifies(reply, certificate) ? 'valid' : 'it does not verify',
      );
    }),
  },
  {
    id: 'message.signer-identifier',
    title: 'the signer is named by issuer and serial number',
    section: 'practice (jscep)',
    level: 'practice',
    expected: 'issuerAndSerialNumber',
    hint: 'jscep and old devices look a certificate up by nothing else.',
    run: onReply(({ signers }) =>
      verdict(signers[0]?.identifier.kind === 'issuerAndSerial', signers[0]?.identifier.kind ?? 'none'),
    ),
  },
  {
    id: 'message.signature-algorithm',
    title: 'the signature is PKCS#1 v1.5 or ECDSA',
    section: 'practice (Apple, Windows)',
    level: 'practice',
    expected: 'rsaEncryption, shaXXXWithRSAEncryption or ECDSA; no PSS',
    hint: 'Neither Apple nor most devices verify RSASSA-PSS.',
    run: onReply(({ signers }) => {
      const algorithm = signers[0]?.signatureAlgorithm;
      if (algorithm === undefined) return fail('none');
      const known = algorithm.oid === oid.rsaEncryption || resolveSignatureAlgorithm(algorithm)?.family !== 'rsa-pss';
      return verdict(known && algorithm.oid !== oid.rsassaPss, algorithm.oid);
    }),
  },
];

const attributes: readonly Check[] = [
  {
    id: 'message.required-attributes',
    title: 'every attribute of a CertRep is there, once',
    section: '3.2.1',
    level: 'MUST',
    expected: 'transactionID, messageType, senderNonce, pkiStatus and recipientNonce, one value each',
    hint: 'Add what is missing to the signed attributes.',
    run: onReply((reply) =>
      noneWrong(
        required.flatMap(([name, type]) => {
          const found = valuesOf(reply, type).length;
          return found === 1 ? [] : [`${name}: ${plural(found, 'value')}`];
        }),
        'all five',
      ),
    ),
  },
  {
    id: 'message.attribute-encodings',
    title: 'attributes have the types of table 1',
    section: '3.2.1',
    level: 'MUST',
    expected: 'PrintableString, OCTET STRING, and UTF8String for failInfoText',
    hint: 'sscep and jscep end with an error on any other string type.',
    run: onReply((reply) =>
      noneWrong(
        encodings.flatMap(([name, type, wanted, wantedName]) =>
          valuesOf(reply, type)
            .filter((value) => value.tag !== wanted)
            .map((value) => `${name} is tag 0x${value.tag.toString(16).padStart(2, '0')}, not ${wantedName}`),
        ),
        'all of them',
      ),
    ),
  },
  {
    id: 'message.type',
    title: 'the messageType is CertRep',
    section: '3.2.1.2',
    level: 'MUST',
    expected: '3',
    hint: 'A reply is a CertRep, whatever the request was.',
    run: onReply(({ messageType }) => verdict(messageType === messageTypes.CertRep, messageType ?? 'none')),
  },
  {
    id: 'message.transaction-echo',
    title: 'the transactionID comes back',
    section: '3.2.1.1',
    level: 'MUST',
    expected: "the request's transactionID",
    hint: 'Copy it from the request.',
    run: onReply(({ transactionId }, { request }) =>
      verdict(transactionId === request.transactionId, transactionId ?? 'none'),
    ),
  },
  {
    id: 'message.nonce-echo',
    title: "the request's senderNonce comes back as recipientNonce",
    section: '3.2.1.5',
    level: 'MUST',
    expected: 'the same 16 bytes',
    hint: 'Clients must reject a reply with another nonce.',
    run: onReply(({ recipientNonce }, { request }) =>
      verdict(
        recipientNonce !== undefined && equalBytes(recipientNonce, request.senderNonce),
        recipientNonce === undefined ? 'none' : toHex(recipientNonce),
      ),
    ),
  },
  {
    id: 'message.fresh-nonce',
    title: 'every reply has a fresh senderNonce of 16 bytes',
    section: '3.2.1.5',
    level: 'MUST',
    expected: 'two replies, two nonces',
    hint: 'jscep refuses a nonce that it has seen.',
    run: async (server) => {
      const { plain, plan } = await findCanary(server);
      const first = requireReply(plain).senderNonce;
      const second = requireReply(await server.request(plan)).senderNonce;
      if (first === undefined || second === undefined) return fail('no senderNonce');
      const fresh = !equalBytes(first, second) && first.length === 16 && second.length === 16;
      return verdict(fresh, `${toHex(first)} and ${toHex(second)}`);
    },
  },
];

/** All right but for the signature. */
const goodRequest = async (
  server: ServerUnderTest,
): Promise<Pick<RequestPlan, 'device' | 'messageData' | 'messageType'>> => {
  const device = await server.newDevice();
  const messageData = certificationRequest({
    keys: device.keys,
    subject: device.subject,
    challenge: await server.takeChallenge(),
  });
  return { device, messageData, messageType: messageTypes.PKCSReq };
};

const failures: readonly Check[] = [
  {
    id: 'message.fail-info',
    title: 'a FAILURE has one of the five failInfo values',
    section: '3.2.1.4, 3.3.2.2',
    level: 'MUST',
    expected: 'badAlg, badMessageCheck, badRequest, badTime or badCertId',
    hint: 'badRequest serves for everything else.',
    run: onReply((reply, transaction) => {
      if (!isFailure(transaction)) return notApplicable(describeTransaction(transaction));
      return verdict(reply.failInfo?.startsWith('bad') ?? false, reply.failInfo ?? 'none');
    }),
  },
  {
    id: 'message.failure-envelope',
    title: 'a FAILURE has no envelope',
    section: '3.3.2.2',
    level: 'MUST',
    expected: 'no eContent',
    hint: 'There is nothing to transport; leave the content out.',
    run: onReply(({ content }, transaction) => {
      if (!isFailure(transaction)) return notApplicable(describeTransaction(transaction));
      return verdict(content === undefined, content === undefined ? 'omitted' : `${content.length} bytes of content`);
    }),
  },
  {
    id: 'message.digest-mirror',
    title: "the reply uses the request's digest",
    section: '3.5.2',
    level: 'practice',
    expected: 'the digest that the client used',
    hint: 'A client may verify nothing else.',
    run: onReply(({ signers }, _transaction, server) =>
      verdict(signers[0]?.digest === server.algorithms.digest, signers[0]?.digest ?? 'unknown'),
    ),
  },
  {
    id: 'message.bad-signature',
    title: 'a request whose signature is wrong is refused',
    section: '3.2.1.4',
    level: 'MUST',
    expected: 'FAILURE badMessageCheck, or a 4xx',
    hint: 'Verify the signature over the received bytes before anything else.',
    run: async (server) => {
      const { plan } = await findCanary(server);
      const good = server.hasChallenges ? await goodRequest(server) : undefined;
      const transaction = await server.request({ ...plan, ...good, spoilMessage: { flipSignature: true } });
      if (!isRefused(transaction)) return fail(describeTransaction(transaction));
      const isKnown = transaction.reply?.failInfo === 'badMessageCheck' || good !== undefined;
      return isKnown
        ? pass(describeTransaction(transaction))
        : inconclusive(`refused, for whatever reason: ${describeTransaction(transaction)}`);
    },
  },
];

export const messages: CheckGroup = { name: 'messages', checks: [...structure, ...attributes, ...failures] };
