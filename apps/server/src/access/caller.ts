/** Proof of who a caller is: what can expire, and what the configuration can take away. */
export interface Credential {
  /** A fingerprint of the credential and of the settings that accept it; changes with either. */
  readonly id: string;
  /** Milliseconds since the epoch; never when absent. */
  readonly expiresAt?: number | undefined;
}

/** A caller who showed a credential of their own, or none. */
export interface Caller {
  /** Name in logs: `anonymous`, `token:<name>`, `user:[<issuer>/]<sub>`, `certificate:<common name>`. */
  readonly subject: string;
  /** Names that rules match, with the issuer of users and groups: see {@link qualifyRules}. */
  readonly names: readonly string[];
  /** Stable over renewals of the credential, and different for two issuers that use one name. */
  readonly identity: string;
  /** Absent for anonymous callers. */
  readonly credential: Credential | undefined;
}

export const anonymous: Caller = {
  subject: 'anonymous',
  names: ['anonymous'],
  identity: 'anonymous',
  credential: undefined,
};

/** What a token of the registry flow was asked for: Docker's `access` claim. */
export interface RegistryGrant {
  readonly type: string;
  readonly name: string;
  readonly actions: readonly string[];
}

/**
 * A caller at `/v2/`, who may show a token of the registry flow instead of the credential behind it. It is no
 * {@link Caller}, so that such a token opens nothing else.
 */
export interface RegistryCaller {
  readonly holder: Caller;
  /** What the token was asked for; undefined for a caller with a credential of their own. */
  readonly grants: readonly RegistryGrant[] | undefined;
}
