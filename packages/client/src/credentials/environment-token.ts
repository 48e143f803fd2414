import { OciError } from '@oci/spec-types';
import { quoted } from '@oci/spec-types/text';

import type { CredentialSource } from './credential.js';
import { sourceHost } from './source-host.js';

export interface EnvironmentTokenOptions {
  /** Name that is sent with the token; most registries do not look at it. Default `token`. */
  readonly username?: string | undefined;
  /** Default `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
}

/**
 * Takes the password of one registry, by its `host[:port]`, from an environment variable, read anew each time: of
 * `ghcr.io` from `GITHUB_TOKEN`. Nothing for other registries, nor while the variable is unset or empty.
 *
 * @throws OciError `USAGE`
 */
export function environmentToken(
  registry: string,
  variable: string,
  options: EnvironmentTokenOptions = {},
): CredentialSource {
  const host = sourceHost(registry);
  if (typeof variable !== 'string' || !/^[^=\0]+$/.test(variable) || typeof options !== 'object') {
    throw new OciError('USAGE', `${quoted(variable)} with ${quoted(options)} names no token`, {
      hint: "Name the variable: environmentToken('ghcr.io', 'GITHUB_TOKEN', { username }).",
    });
  }
  const { username = 'token', env = process.env } = options;
  const hint = `Is ${variable} valid, and is ${username} the user name that ${host} wants? Others are given as { username }.`;
  return async (asked) => {
    const password = asked === host ? env[variable] : undefined;
    return password ? { kind: 'password', username, password, from: variable, hint } : undefined;
  };
}
