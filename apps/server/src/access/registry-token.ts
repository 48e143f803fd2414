import { randomBytes } from 'node:crypto';

import { SignJWT, errors, jwtVerify } from 'jose';

import type { Caller } from './rule.js';

/** What a token of the registry flow was asked for: Docker's `access` claim. */
export interface RegistryGrant {
  readonly type: string;
  readonly name: string;
  readonly actions: readonly string[];
}

export interface RegistryCaller extends Caller {
  readonly grants: readonly RegistryGrant[];
}

/** `aud` and `iss` of the tokens, and the `service` of challenges. */
export const registryService = 'oci-server';

/** Short, for rules are asked at every request anyway. */
export const registryTokenSeconds = 300;

/** Gives out and reads the tokens of the registry flow; any process with the same key can read them. */
export class RegistryTokens {
  readonly #key: Uint8Array;

  /** @param key 32 bytes that replicas share; random when absent */
  constructor(key: Uint8Array = randomBytes(32)) {
    this.#key = key;
  }

  issue(caller: Caller, grants: readonly RegistryGrant[]): Promise<string> {
    return new SignJWT({ access: grants, groups: caller.groups })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setIssuer(registryService)
      .setAudience(registryService)
      .setSubject(caller.subject)
      .setIssuedAt()
      .setExpirationTime(`${registryTokenSeconds}s`)
      .sign(this.#key);
  }

  async verify(token: string): Promise<RegistryCaller | { readonly refused: string }> {
    try {
      const { payload } = await jwtVerify(token, this.#key, {
        issuer: registryService,
        audience: registryService,
        algorithms: ['HS256'],
        requiredClaims: ['exp', 'sub'],
      });
      const claims = payload as { sub: string; groups: string[]; access: RegistryGrant[] };
      return { subject: claims.sub, groups: claims.groups, grants: claims.access };
    } catch (error) {
      if (!(error instanceof errors.JOSEError)) throw error;
      const expired = error instanceof errors.JWTExpired;
      return { refused: expired ? 'the token has expired' : 'the token is not valid' };
    }
  }
}
