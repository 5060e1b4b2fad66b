/**
 * Client assertions (RFC 7523 §2.2): a token that the application signed with the key of a registered certificate, or
 * one of another issuer that a federated credential lets stand for it.
 */
import { constants, createPublicKey, verify, X509Certificate, type KeyObject } from 'node:crypto';
import type { AccessTokens } from './access-tokens.ts';
import type { ApplicationCertificate, FederatedCredential } from './credential-types.ts';
import { invalidClient, printable, type EntraError } from './entra-errors.ts';
import { decodeToken, type DecodedToken } from './jwt.ts';
import { managedIdentityCredential } from './managed-identity-ids.ts';
import type { EmulatorRecords } from './state.ts';

export const jwtBearer = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

export interface AssertionContext {
  readonly records: EmulatorRecords;
  readonly tokens: AccessTokens;
  readonly now: () => Date;
  /** Base URL under which Entra was called. */
  readonly origin: string;
  /** Base URL under which Entra is known, and so the issuer of its own tokens. */
  readonly microsoftUrl: string;
}

/** What is wrong with the assertion, or undefined when it proves that the caller is the tenant's application. */
export function problemWithAssertion(assertion: string, context: AssertionContext): EntraError | undefined {
  const token = decodeToken(assertion);
  if (token === undefined) return invalidClient(50027, 'JWT token is invalid or malformed.');
  const { tenant, credentials } = context.records;
  const { iss } = token.claims;
  // Other issuers name their certificate in the header as well.
  const isFederated = credentials.federated().some(({ issuer }) => issuer === iss);
  const isOwn = sameText(iss, tenant.clientId) || (namesCertificate(token) && !isFederated);
  return isOwn ? problemWithOwnAssertion(token, context) : problemWithFederatedToken(token, assertion, context);
}

function namesCertificate({ header }: DecodedToken): boolean {
  return header.x5t !== undefined || header['x5t#S256'] !== undefined || header.x5c !== undefined;
}

function problemWithOwnAssertion(token: DecodedToken, context: AssertionContext): EntraError | undefined {
  const { header, claims } = token;
  const { clientId } = context.records.tenant;
  const thumbprint = thumbprintOf(token);
  const certificate = context.records.credentials
    .certificates()
    .find((known) => known.thumbprint === thumbprint || known.thumbprintSha256 === thumbprint);
  if (certificate === undefined) return unknownCertificate(thumbprint, clientId);
  if (!ownAlgorithms.has(header.alg)) return unsupportedAlgorithm(header.alg);
  const key = createPublicKey(certificate.pem);
  if (!isSignedBy(token, key)) return wrongSignature(certificate);
  if (!isCurrent(certificate, context.now())) {
    return invalidClient(1000502, 'The provided certificate is not within its specified validity window.');
  }
  if (!sameText(claims['iss'], clientId) || !sameText(claims['sub'], clientId)) {
    return invalidClient(700021, "Client assertion application identifier doesn't match 'client_id' parameter.");
  }
  if (claims['jti'] !== undefined && typeof claims['jti'] !== 'string') {
    return invalidClient(50027, 'JWT token is invalid or malformed.');
  }
  return problemWithAudience(claims['aud'], context) ?? problemWithTimes(token, context.now());
}

/** Upper-case hex of the certificate that the header names; empty when it names none. */
function thumbprintOf({ header }: DecodedToken): string {
  const named = header['x5t#S256'] ?? header.x5t;
  if (named !== undefined) return Buffer.from(named, 'base64url').toString('hex').toUpperCase();
  const [leaf] = header.x5c ?? [];
  if (leaf === undefined) return '';
  try {
    return new X509Certificate(Buffer.from(leaf, 'base64')).fingerprint256.replaceAll(':', '');
  } catch {
    return '';
  }
}

const moreAboutKeys = (clientId: string): string =>
  'Please visit the Azure Portal, Graph Explorer or directly use MS Graph to see configured keys for app Id ' +
  `'${clientId}'.`;

function unknownCertificate(thumbprint: string, clientId: string): EntraError {
  return invalidClient(
    700027,
    'The certificate with identifier used to sign the client assertion is not registered on application. [Reason - ' +
      `The key was not found., Thumbprint of key used by client: '${thumbprint}', ${moreAboutKeys(clientId)}]`,
  );
}

function wrongSignature({ thumbprint, startDateTime, endDateTime }: ApplicationCertificate): EntraError {
  return invalidClient(
    700027,
    'Client assertion contains an invalid signature. [Reason - The provided signature value did not match the expected ' +
      `signature value., Thumbprint of key used by client: '${thumbprint}', Found key 'Start=${startDateTime}, ` +
      `End=${endDateTime}']`,
  );
}

function unsupportedAlgorithm(algorithm: string): EntraError {
  const supported = [...ownAlgorithms].join(',');
  return invalidClient(
    5002738,
    `Invalid JWT token. '${printable(algorithm)}' is not a supported signature algorithm. Supported signing algorithms ` +
      `are: '${supported}'`,
  );
}

function isCurrent({ startDateTime, endDateTime }: ApplicationCertificate, now: Date): boolean {
  return Date.parse(startDateTime) <= now.getTime() && now.getTime() <= Date.parse(endDateTime);
}

/** The token endpoint or the issuer, by the tenant's id or name, under the address that was called or Microsoft's. */
function problemWithAudience(audience: unknown, { records, origin }: AssertionContext): EntraError | undefined {
  const audiences: unknown[] = Array.isArray(audience) ? audience : [audience];
  if (audiences.length > 1) {
    return invalidClient(
      5002741,
      'Number of audience values in the provided client credential exceed maximum allowed. ' +
        `${audiences.length} audience values provided, maximum allowed is 1.`,
    );
  }
  const { tenantId, tenantName } = records.tenant;
  const bases = [origin, 'https://login.microsoftonline.com'].flatMap((base) => [
    `${base}/${tenantId}`,
    `${base}/${tenantName}`,
  ]);
  const accepted = bases.flatMap((base) => [`${base}/oauth2/v2.0/token`, `${base}/oauth2/token`, `${base}/v2.0`, base]);
  if (accepted.some((name) => sameText(audiences[0], name))) return undefined;
  return invalidClient(
    700023,
    'Client assertion audience claim does not match Realm issuer. Review the documentation at ' +
      'https://docs.microsoft.com/azure/active-directory/develop/active-directory-certificate-credentials.',
  );
}

/** Five minutes, as Microsoft's validation tolerates. */
const toleranceMs = 300_000;

function problemWithTimes({ claims }: DecodedToken, now: Date): EntraError | undefined {
  const { exp, nbf = 0 } = claims;
  if (!isTime(exp) || !isTime(nbf)) return invalidClient(50027, 'JWT token is invalid or malformed.');
  const start = nbf * 1000;
  const end = exp * 1000;
  if (start - toleranceMs <= now.getTime() && now.getTime() < end + toleranceMs) return undefined;
  return invalidClient(
    700024,
    `Client assertion is not within its valid time range. Current time: ${now.toISOString()}, assertion valid from ` +
      `${new Date(start).toISOString()}, expiry time of assertion ${new Date(end).toISOString()}. Review the ` +
      'documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials .',
  );
}

/** Seconds since 1970 that a Date can hold. */
function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 && value < 8.64e12;
}

function problemWithFederatedToken(
  token: DecodedToken,
  assertion: string,
  context: AssertionContext,
): EntraError | undefined {
  const { records, microsoftUrl, tokens } = context;
  const own = managedIdentityCredential(records.tenant, microsoftUrl);
  const matched = matchFederatedCredential(token, [own, ...records.credentials.federated()]);
  if ('error' in matched) return matched;
  const isGenuine = matched === own ? tokens.isOurs(assertion) : isSignedByIssuer(token, matched);
  if (!isGenuine) {
    return invalidClient(
      50013,
      'Assertion failed signature validation. [Reason - The provided signature value did not match the expected ' +
        `signature value., Key identifier used by client: '${printable(token.header.kid ?? '')}']`,
    );
  }
  return problemWithTimes(token, context.now());
}

const reviewFederation =
  'Check your federated identity credential Subject, Audience and Issuer against the presented assertion. ' +
  'https://learn.microsoft.com/entra/workload-id/workload-identity-federation';

/** The three are compared letter by letter, and in this order. */
function matchFederatedCredential(
  { claims }: DecodedToken,
  credentials: readonly FederatedCredential[],
): FederatedCredential | EntraError {
  const { iss, sub, aud } = claims;
  const audience: unknown = Array.isArray(aud) && aud.length === 1 ? aud[0] : aud;
  const noMatch = (number: number, what: string, value: unknown) =>
    invalidClient(
      number,
      `No matching federated identity record found for presented assertion ${what} ` +
        `'${printable(typeof value === 'string' ? value : '')}'. ${reviewFederation}`,
    );
  const ofIssuer = credentials.filter(({ issuer }) => issuer === iss);
  if (ofIssuer.length === 0) return noMatch(700211, 'issuer', iss);
  const ofSubject = ofIssuer.filter(({ subject }) => subject === sub);
  if (ofSubject.length === 0) return noMatch(700213, 'subject', sub);
  return ofSubject.find((credential) => credential.audience === audience) ?? noMatch(700212, 'audience', audience);
}

function isSignedByIssuer(token: DecodedToken, { keys }: FederatedCredential): boolean {
  const { kid } = token.header;
  return keys
    .filter((key) => key.kid === undefined || kid === undefined || key.kid === kid)
    .some(({ publicKeyPem }) => isSignedBy(token, createPublicKey(publicKeyPem)));
}

/** What Entra takes from a certificate; other issuers may also sign with ECDSA. */
const ownAlgorithms: ReadonlySet<string> = new Set(['RS256', 'PS256']);

/** RFC 7518 §3.1. */
function isSignedBy({ header, signedText, signature }: DecodedToken, key: KeyObject): boolean {
  const data = Buffer.from(signedText);
  const isRsa = key.asymmetricKeyType === 'rsa';
  if (header.alg === 'RS256' && isRsa) return verify('sha256', data, key, signature);
  if (header.alg === 'PS256' && isRsa) {
    const padding = constants.RSA_PKCS1_PSS_PADDING;
    return verify('sha256', data, { key, padding, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }, signature);
  }
  const isP256 = key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
  return header.alg === 'ES256' && isP256 && verify('sha256', data, { key, dsaEncoding: 'ieee-p1363' }, signature);
}

function sameText(value: unknown, expected: string): boolean {
  return typeof value === 'string' && value.toLowerCase() === expected.toLowerCase();
}
