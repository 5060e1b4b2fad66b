import type { FailInfo } from '@scepter/scep';

/** What a server's refusal usually means, for the person who has to do something about it (RFC 8894 3.2.1.4). */
export const failInfoExplanations: Readonly<Record<FailInfo, string>> = {
  badAlg: 'The server does not accept the digest, the cipher or the key of this request; try --digest and --cipher.',
  badMessageCheck: 'The server could not verify the signature of the request.',
  badRequest:
    'The server refuses the request: a wrong, used, expired or missing challenge, names or a renewal it does not allow, or a broken message. ' +
    'Its log has the reason.',
  badTime: "The time in the request is too far from the server's; check this machine's clock.",
  badCertId: 'The server knows no certificate that fits the request.',
};
