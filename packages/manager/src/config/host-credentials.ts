import { type Credential, type CredentialSource, dockerConfigCredentials } from '@oci/client';
import { helperCredentials } from '@oci/client/credentials';
import { OciError } from '@oci/spec-types';
import { readNamedFile } from '@oci/files';

import type { CredentialTable } from './credential-settings.js';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Credentials as the configuration says; for registries that it does not name, those of docker and podman.
 * Secrets are read when they are needed, so that a file that is replaced counts.
 */
export function configuredCredentials(
  credentials: ReadonlyMap<string, CredentialTable>,
  env: Environment = process.env,
): CredentialSource {
  const docker = dockerConfigCredentials({ env });
  const helpers = helperCredentials();
  return async (registry, ask) => {
    const table = credentials.get(registry);
    if (!table) return docker(registry, ask);
    if (table.helper !== undefined) return helpers(table.helper, registry, ask);
    return credentialOf(table, { registry, env });
  };
}

async function credentialOf(
  table: CredentialTable,
  { registry, env }: { registry: string; env: Environment },
): Promise<Credential | undefined> {
  if (table.anonymous) return undefined;
  const from = `credentials."${registry}" of the configuration`;
  if (table.username === undefined) {
    const token = await readSecret({ file: table.token_file, variable: table.token_env }, env);
    return { kind: 'refresh', token, from };
  }
  const place = { file: table.password_file, variable: table.password_env };
  const password = await readSecret(place, env);
  return { kind: 'password', username: table.username, password, from };
}

interface SecretPlace {
  readonly file: string | undefined;
  readonly variable: string | undefined;
}

async function readSecret({ file, variable = '' }: SecretPlace, env: Environment): Promise<string> {
  const secret = file === undefined ? env[variable] : await readSecretFile(file);
  if (secret) return secret;
  const what = file === undefined ? `the variable ${variable}` : `the file ${file}`;
  throw new OciError('CONFIG_INVALID', `${what}, which should hold a secret, is empty`, {
    hint: 'It is named in a credentials table of the configuration.',
  });
}

/** Editors end files with a line break, which is no part of a password. */
async function readSecretFile(path: string): Promise<string> {
  try {
    return String(await readNamedFile(path)).replace(/\r?\n$/, '');
  } catch (cause) {
    throw new OciError(
      'CONFIG_INVALID',
      `the file ${path}, which should hold a secret, cannot be read`,
      {
        cause,
        hint: 'It is named in a credentials table of the configuration.',
      },
    );
  }
}
