import { OciError, isOciError, throwIfAborted } from '@oci/spec-types';

import type { CredentialSource } from './credential.js';
import { type ExpiringCredential, ExpiringCredentials } from './expiring-credentials.js';

/** How a cloud gives out the credentials of its registries. */
export interface Cloud<Host> {
  /** e.g. `Amazon ECR`. */
  readonly name: string;
  /** What to do when no credential can be had. */
  readonly hint: string;
  /** Returns what there is to know of a registry of the cloud; undefined for all others. */
  readonly hostOf: (registry: string) => Host | undefined;
  readonly obtain: (host: Host, signal: AbortSignal) => Promise<ExpiringCredential>;
}

/** A credential is replaced this long before it expires, in milliseconds: a push may take a while. */
const marginMs = 5 * 60_000;

/** Makes a source of what a cloud gives out; it has nothing for registries of others. */
export function cloudSource<Host>({ name, hint, hostOf, obtain }: Cloud<Host>): CredentialSource {
  const credentials = new ExpiringCredentials();
  return async (registry, ask = {}) => {
    const host = hostOf(registry);
    if (host === undefined) return undefined;
    return credentials.get(registry, ask, async (signal) => {
      try {
        const { credential, expiresAt } = await obtain(host, signal);
        return {
          credential: credential && { from: name, ...credential },
          expiresAt: expiresAt - marginMs,
        };
      } catch (cause) {
        throwIfAborted(signal);
        if (isOciError(cause, 'USAGE', 'UNAUTHORIZED')) throw cause;
        const why = cause instanceof Error ? cause.message : String(cause);
        throw new OciError('UNAUTHORIZED', `${name} gave no credential for ${registry}: ${why}`, {
          cause,
          hint,
        });
      }
    });
  };
}

/** Loads an optional library. @throws OciError `USAGE` when it is not installed */
export async function loadLibrary<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== 'ERR_MODULE_NOT_FOUND') throw cause;
    throw new OciError('USAGE', `these credentials need ${name}, which is not installed`, {
      cause,
      hint: `Install it: npm install ${name}`,
    });
  }
}
