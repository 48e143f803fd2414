import {
  type Credential,
  type CredentialSource,
  dockerConfigCredentials,
  helperCredentials,
} from '@oci/client';
import { OciError } from '@oci/spec-types';
import { readNamedFile } from '@oci/files';

import type { CredentialSettings, SecretPlace } from './host-settings.js';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Credentials as the configuration says; for registries that it does not name, those of docker and podman.
 * Secrets are read when they are needed, so that a file that is replaced counts.
 */
export function configuredCredentials(
  credentials: ReadonlyMap<string, CredentialSettings>,
  env: Environment = process.env,
): CredentialSource {
  const docker = dockerConfigCredentials({ env });
  const helpers = helperCredentials();
  return async (registry, ask) => {
    const settings = credentials.get(registry);
    if (!settings) return docker(registry, ask);
    if (settings.kind === 'helper') return helpers(settings.suffix, registry, ask);
    return credentialOf(settings, { registry, env });
  };
}

async function credentialOf(
  settings: Exclude<CredentialSettings, { kind: 'helper' }>,
  { registry, env }: { registry: string; env: Environment },
): Promise<Credential | undefined> {
  const from = `credentials."${registry}" of the configuration`;
  switch (settings.kind) {
    case 'anonymous':
      return undefined;
    case 'password': {
      const password = await readSecret(settings.password, env);
      return { kind: 'password', username: settings.username, password, from };
    }
    case 'refresh':
      return { kind: 'refresh', token: await readSecret(settings.token, env), from };
  }
}

async function readSecret(place: SecretPlace, env: Environment): Promise<string> {
  const secret = 'file' in place ? await readSecretFile(place.file) : env[place.variable];
  if (secret) return secret;
  const what = 'file' in place ? `the file ${place.file}` : `the variable ${place.variable}`;
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
      `the file ${path}, which should hold a secret, can not be read`,
      {
        cause,
        hint: 'It is named in a credentials table of the configuration.',
      },
    );
  }
}
