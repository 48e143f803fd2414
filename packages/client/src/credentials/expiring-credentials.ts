import { SingleFlight } from '@oci/spec-types';
import { LRUCache } from 'lru-cache';

import type { Credential, CredentialAsk } from './credential.js';

/** An answer of who gives credentials out, and until when it is used (milliseconds since the epoch). */
export interface ExpiringCredential {
  readonly credential: Credential | undefined;
  readonly expiresAt: number;
}

/** Credentials by key: each is obtained once for all who wait for it, and again once it has expired. */
export class ExpiringCredentials {
  readonly #flights = new SingleFlight<Credential | undefined>();
  readonly #known = new LRUCache<string, ExpiringCredential>({ max: 1000 });

  /**
   * Returns the credential of a key; with `fresh`, one that is obtained now.
   *
   * @throws OciError `ABORTED` as soon as the signal fires, and as `obtain` does
   */
  async get(
    key: string,
    { fresh = false, signal }: Pick<CredentialAsk, 'fresh' | 'signal'>,
    obtain: (signal: AbortSignal) => Promise<ExpiringCredential>,
  ): Promise<Credential | undefined> {
    const known = fresh ? undefined : this.#known.get(key);
    if (known && known.expiresAt > Date.now()) return known.credential;
    const work = async (end: AbortSignal): Promise<Credential | undefined> => {
      const found = await obtain(end);
      this.#known.set(key, found);
      return found.credential;
    };
    return this.#flights.do(key, work, { signal });
  }
}
