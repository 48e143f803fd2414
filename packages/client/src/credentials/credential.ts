import type { OciError, RepositoryName } from '@oci/spec-types';

import { sourceHost } from './source-host.js';

/** Where a credential was found, in words and without the secret: a file, a helper, a variable. */
interface Provenance {
  readonly from?: string | undefined;
  /** What to check when the registry refuses it. Default: log in again. */
  readonly hint?: string | undefined;
}

/** What a registry's user proves who they are with. */
export type Credential = Provenance &
  (
    | { readonly kind: 'password'; readonly username: string; readonly password: string }
    /** An OAuth2 refresh token ("identity token" in docker's files). */
    | { readonly kind: 'refresh'; readonly token: string }
    /** A bearer token that is sent as it is. */
    | { readonly kind: 'bearer'; readonly token: string }
  );

/** What a credential is wanted for. */
export interface CredentialAsk {
  /** A source may have credentials for parts of a registry, as podman's `auth.json`. */
  readonly repository?: RepositoryName | undefined;
  /** The last answer was refused: ask again what is remembered otherwise. */
  readonly fresh?: boolean | undefined;
  /** Who asks waits no longer once it fires; a program that nobody waits for is ended. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Finds the credential of a registry, by the `host[:port]` that the user names it with; undefined is
 * anonymous. It is asked whenever a token is needed, so that what changed in the meantime counts.
 */
export type CredentialSource = (
  registry: string,
  ask?: CredentialAsk,
) => Promise<Credential | undefined>;

/**
 * What follows when a source fails with `UNAUTHORIZED`, as a credential helper that is missing, broken or
 * slow: `anonymous` reads without a credential, after a `warning` event, and asks the source again a minute
 * later; `fail` passes the failure on. A function decides each time. A push fails in any case.
 */
export type HelperFailurePolicy =
  'anonymous' | 'fail' | ((failure: OciError) => 'anonymous' | 'fail');

/** The same credential for one registry, by its `host[:port]`, and nothing for others. @throws OciError `USAGE` */
export function staticCredentials(registry: string, credential: Credential): CredentialSource {
  const host = sourceHost(registry);
  return async (asked) => (asked === host ? credential : undefined);
}

/** The first source that has a credential; a source that fails ends the search. */
export function chainCredentials(...sources: readonly CredentialSource[]): CredentialSource {
  return async (registry, ask) => {
    for (const source of sources) {
      const credential = await source(registry, ask);
      if (credential) return credential;
    }
    return undefined;
  };
}

/** Which credential a registry gets, without the secret. */
export interface CredentialReport {
  readonly registry: string;
  readonly kind: 'anonymous' | Credential['kind'];
  /** Of a password. */
  readonly username?: string;
  readonly from?: string;
}

/** What `doctor` and error messages may tell of a credential. @throws OciError as the source does */
export async function reportCredential(
  source: CredentialSource,
  registry: string,
  ask?: CredentialAsk,
): Promise<CredentialReport> {
  const credential = await source(registry, ask);
  if (!credential) return { registry, kind: 'anonymous' };
  return {
    registry,
    kind: credential.kind,
    ...(credential.kind === 'password' && { username: credential.username }),
    ...(credential.from !== undefined && { from: credential.from }),
  };
}
