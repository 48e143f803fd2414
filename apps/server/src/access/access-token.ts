import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** A secret that a caller shows, as the configuration knows it: never the secret itself. */
export interface AccessToken {
  /** `token:<name>` in rules and logs. */
  readonly name: string;
  /** `sha256:` and the hexadecimal hash; a secret of 256 random bits needs no slow one. */
  readonly hash: string;
  /** Milliseconds since the epoch; never when absent. */
  readonly expiresAt?: number | undefined;
}

/** Marks a secret of ours, so that scanners find it where it was leaked. */
const prefix = 'oci_';

export function createAccessToken(): { readonly secret: string; readonly hash: string } {
  const secret = prefix + randomBytes(32).toString('base64url');
  return { secret, hash: hashSecret(secret) };
}

export function hashSecret(secret: string): string {
  return `sha256:${createHash('sha256').update(secret).digest('hex')}`;
}

/** The token of a secret that is shown; every one is compared, in constant time. */
export function findAccessToken(
  tokens: readonly AccessToken[],
  secret: string,
  now: number = Date.now(),
): AccessToken | 'expired' | undefined {
  const given = Buffer.from(hashSecret(secret));
  let found: AccessToken | undefined;
  for (const token of tokens) {
    const known = Buffer.from(token.hash);
    if (known.length === given.length && timingSafeEqual(known, given)) found = token;
  }
  return found?.expiresAt !== undefined && found.expiresAt <= now ? 'expired' : found;
}
