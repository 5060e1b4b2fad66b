/**
 * Whether a key may be used to verify anything at all, by its size and form alone. What may be certified is another
 * question, and the certificate profile's (`enrollment/policy.ts`).
 */
import type { PublicKeyInfo } from '@scepter/x509';

/** Below, no reply can be encrypted to it; above, one verification takes milliseconds. */
const modulusBits = { minimum: 1024, maximum: 8192 };
/** A larger exponent makes verifying as slow as signing; 1 verifies everything. */
const exponents = { minimum: 3n, limit: 1n << 32n };

/** @returns a word for the operator, undefined for a key that may be used */
export function keyProblem(publicKey: PublicKeyInfo): string | undefined {
  const { key } = publicKey;
  switch (key.kind) {
    case 'rsa': {
      if (key.modulusBits < modulusBits.minimum || key.modulusBits > modulusBits.maximum) return 'rsa_modulus_size';
      if (((key.modulus.at(-1) ?? 0) & 1) === 0) return 'rsa_modulus_even';
      const { exponent } = key;
      const isSound = exponent >= exponents.minimum && exponent < exponents.limit && (exponent & 1n) === 1n;
      return isSound ? undefined : 'rsa_exponent';
    }
    case 'ec':
      return isOnCurve(publicKey) ? undefined : 'ec_point';
    case 'unknown':
      return 'key_type_unsupported';
  }
}

/** OpenSSL loads no point that does not satisfy the curve's equation. */
function isOnCurve(publicKey: PublicKeyInfo): boolean {
  try {
    publicKey.keyObject();
    return true;
  } catch {
    return false;
  }
}
