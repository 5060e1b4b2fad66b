/* Elliptic curve public key checks (RFC 5480 2; NIST SP 800-56A rev. 3, 5.6.2.3.3). */
import { Asn1Reader } from '@scepter/x509';
import type { PublicKeyInfo } from '@scepter/x509';
import type { EllipticCurve } from '../certificate-profile.ts';
import type { KeyCheck, KeyProblem } from './check-public-key.ts';

export const curveAllowed: KeyCheck = ({ key }, { ecCurves }) => {
  if (key.kind !== 'ec' || ecCurves.includes(key.curve)) return undefined;
  return { code: 'ec_curve', message: `The curve ${key.curve} is not allowed; these are: ${ecCurves.join(', ')}.` };
};

const coordinateBytes: Readonly<Record<EllipticCurve, number>> = { 'P-256': 32, 'P-384': 48, 'P-521': 66 };
const UNCOMPRESSED = 0x04;

const badPoint: KeyProblem = { code: 'ec_point', message: 'The public key is not an uncompressed point on its curve.' };

/** Only uncompressed points: RFC 5480 2.2 leaves compressed ones optional, and many devices cannot read them. */
export const pointOnCurve: KeyCheck = (publicKey) => {
  if (publicKey.key.kind !== 'ec') return undefined;
  const point = subjectPublicKeyBytes(publicKey);
  if (point[0] !== UNCOMPRESSED || point.length !== 1 + 2 * coordinateBytes[publicKey.key.curve]) return badPoint;
  try {
    // OpenSSL refuses to load a point that does not satisfy the curve's equation. These curves have cofactor 1, so
    // every point that does has the right order.
    publicKey.keyObject();
    return undefined;
  } catch {
    return badPoint;
  }
};

function subjectPublicKeyBytes({ encoded }: PublicKeyInfo): Uint8Array {
  const publicKeyInfo = Asn1Reader.of(encoded).sequence();
  publicKeyInfo.next();
  return publicKeyInfo.bitString().bytes;
}
