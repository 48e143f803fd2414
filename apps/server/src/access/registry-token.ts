import { randomBytes } from 'node:crypto';

import { SignJWT, errors, jwtVerify } from 'jose';

import { type Caller, type Credential, type RegistryGrant, anonymous } from './caller.js';

/** A token of the registry flow whose signature and time are right; its credential may have ended. */
export interface VerifiedRegistryToken {
  readonly holder: Caller;
  readonly grants: readonly RegistryGrant[];
}

export interface IssuedRegistryToken {
  readonly token: string;
  /** Seconds that it lives from now on. */
  readonly expiresIn: number;
}

/** `aud` and `iss` of the tokens, and the `service` of challenges. */
export const registryService = 'oci-server';

/** Seconds that a token lives at most; short, for it is renewed with the credential behind it. */
const maxSeconds = 300;

interface Claims {
  readonly sub: string;
  readonly names: readonly string[];
  readonly identity: string;
  /** Absent for anonymous callers. */
  readonly credential?: Credential;
  readonly access: readonly RegistryGrant[];
}

/** Gives out and reads the tokens of the registry flow; any process with the same key can read them. */
export class RegistryTokens {
  readonly #key: Uint8Array;

  /** @param key 32 bytes that replicas share; random when absent */
  constructor(key: Uint8Array = randomBytes(32)) {
    this.#key = key;
  }

  /** A token that lives no longer than the credential behind it. */
  async issue(caller: Caller, grants: readonly RegistryGrant[]): Promise<IssuedRegistryToken> {
    const { subject, names, identity, credential } = caller;
    const now = Math.floor(Date.now() / 1000);
    const end = Math.floor((credential?.expiresAt ?? Infinity) / 1000);
    const expiresIn = Math.max(0, Math.min(maxSeconds, end - now));
    const claims = { names, identity, access: grants, ...(credential && { credential }) };
    const token = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setIssuer(registryService)
      .setAudience(registryService)
      .setSubject(subject)
      .setIssuedAt(now)
      .setExpirationTime(now + expiresIn)
      .sign(this.#key);
    return { token, expiresIn };
  }

  /** @returns why a token is not accepted; `ended` for one that was accepted before */
  async verify(
    token: string,
  ): Promise<VerifiedRegistryToken | { readonly refused: string; readonly ended: boolean }> {
    try {
      const { payload } = await jwtVerify(token, this.#key, {
        issuer: registryService,
        audience: registryService,
        algorithms: ['HS256'],
        requiredClaims: ['exp', 'sub', 'names', 'identity', 'access'],
      });
      const { sub, names, identity, credential, access } = payload as unknown as Claims;
      const holder = credential ? { subject: sub, names, identity, credential } : anonymous;
      return { holder, grants: access };
    } catch (error) {
      if (!(error instanceof errors.JOSEError)) throw error;
      const ended = error instanceof errors.JWTExpired;
      return { refused: ended ? 'the token has expired' : 'the token is not valid', ended };
    }
  }
}
