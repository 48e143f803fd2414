import type { CredentialSource } from './credential.js';

export interface EnvironmentTokenOptions {
  /** Name that is sent with the token; most registries do not look at it. Default `token`. */
  readonly username?: string | undefined;
  /** Default `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
}

/**
 * Takes the password of one registry from an environment variable, read anew each time: of `ghcr.io` from
 * `GITHUB_TOKEN`. Nothing for other registries, nor while the variable is unset or empty.
 */
export function environmentToken(
  registry: string,
  variable: string,
  { username = 'token', env = process.env }: EnvironmentTokenOptions = {},
): CredentialSource {
  return async (asked) => {
    const password = asked === registry ? env[variable] : undefined;
    return password ? { kind: 'password', username, password, from: variable } : undefined;
  };
}
