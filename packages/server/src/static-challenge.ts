/** A challenge that is shared by all devices of an endpoint. Kept as a MAC, compared in constant time. */
import { createHmac, timingSafeEqual } from 'node:crypto';

/** @returns whether a challenge is the configured one; the time it takes tells nothing of how much of it was right */
export function staticChallenge(
  challenge: string,
  randomBytes: (size: number) => Uint8Array,
): (candidate: string) => boolean {
  const key = randomBytes(32);
  const mac = (text: string): Buffer => createHmac('sha256', key).update(text, 'utf8').digest();
  const expected = mac(challenge);
  return (candidate) => timingSafeEqual(mac(candidate), expected);
}
