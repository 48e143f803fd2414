/** What a registry's user proves who they are with. */
export type Credential =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  /** An OAuth2 refresh token ("identity token" in docker's files). */
  | { readonly kind: 'refresh'; readonly token: string }
  /** A bearer token that is sent as it is. */
  | { readonly kind: 'bearer'; readonly token: string };

/**
 * Finds the credential of a registry, by the `host[:port]` that the user names it with; undefined is
 * anonymous. It is asked whenever a token is needed, so that what changed in the meantime counts.
 */
export type CredentialSource = (registry: string) => Promise<Credential | undefined>;

/** The same credential for one registry, and nothing for others. */
export function staticCredentials(registry: string, credential: Credential): CredentialSource {
  return async (asked) => (asked === registry ? credential : undefined);
}

/** The first source that has a credential; a source that fails ends the search. */
export function chainCredentials(...sources: readonly CredentialSource[]): CredentialSource {
  return async (registry) => {
    for (const source of sources) {
      const credential = await source(registry);
      if (credential) return credential;
    }
    return undefined;
  };
}
