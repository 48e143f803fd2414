/** Who may do what. */
export type RegistryAuth =
  | { readonly basic: { readonly username: string; readonly password: string } }
  | { readonly bearer: TokenServerOptions };

/** The token server that is part of the registry, at `/token`. */
export interface TokenServerOptions {
  readonly username: string;
  readonly password: string;
  /** Also accepted, by POST with `grant_type=refresh_token`; given out with `offline_token`. */
  readonly refreshToken?: string | undefined;
  /** Whether everyone may pull; false when it is missing. */
  readonly anonymousPull?: boolean | undefined;
  /** Whether POST (OAuth2) is answered; true when it is missing, otherwise 404. */
  readonly post?: boolean | undefined;
  /** Which member of the answer to a GET holds the token; `token` when it is missing. */
  readonly tokenMember?: 'token' | 'access_token' | 'both' | undefined;
  /** What the answer says; tokens are good until `revokeTokens`. 300 when it is missing. */
  readonly expiresInSeconds?: number | undefined;
  /** What a user is granted of a scope; all of it when it is missing. */
  readonly grant?: ((wanted: TokenGrant) => readonly string[]) | undefined;
}

/** A scope, parsed: `repository:team/app:pull,push`. */
export interface TokenGrant {
  readonly type: string;
  readonly name: string;
  readonly actions: readonly string[];
}
