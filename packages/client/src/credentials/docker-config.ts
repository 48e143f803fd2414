import { basename } from 'node:path';

import { isOciError } from '@oci/spec-types';

import type { Credential, CredentialAsk, CredentialSource } from './credential.js';
import {
  type AuthFile,
  AuthFileReader,
  authKey,
  credentialOf,
  helperOf,
  isSilent,
  parseAuthFile,
} from './auth-file.js';
import { type AuthFileLocation, authFilePaths } from './auth-file-path.js';
import { defaultHelper } from './default-helper.js';
import { CredentialHelpers } from './helper.js';

export interface DockerConfigOptions extends AuthFileLocation {
  /** How long a credential helper may take. Default 15 s, in milliseconds. */
  readonly helperTimeoutMs?: number | undefined;
}

/**
 * Credentials of `DOCKER_AUTH_CONFIG`, docker's `config.json` and podman's `auth.json`, the first that
 * knows the registry. In a file: the registry's own helper, then the store, then what stands there, where
 * the longest key of a repository's path counts. Hosts are compared exactly; a helper that fails is an
 * error and never another host's credential. Where docker's file says nothing of credentials, the store of
 * the platform is asked, if there is one. Files are read again when they changed.
 */
export function dockerConfigCredentials(options: DockerConfigOptions = {}): CredentialSource {
  const files = new AuthFileReader();
  const helpers = new CredentialHelpers(options.helperTimeoutMs);
  const platformStore = new PlatformStore(options, helpers);
  return async (registry, ask = {}) => {
    const find = (file: AuthFile, name: string): Promise<Credential | undefined> =>
      fromFile(file, { name, registry, ask, helpers });
    const variable = (options.env ?? process.env)['DOCKER_AUTH_CONFIG'];
    if (variable) {
      const found = await find(parseAuthFile(variable, 'DOCKER_AUTH_CONFIG'), 'DOCKER_AUTH_CONFIG');
      if (found) return found;
    }
    for (const path of authFilePaths(options)) {
      const file = await files.read(path);
      const found = file && (await find(file, path));
      if (found) return found;
      const stored =
        isDockersFile(path, options) && (!file || isSilent(file))
          ? await platformStore.get(registry, ask)
          : undefined;
      if (stored) return stored;
    }
    return undefined;
  };
}

/** The `HttpHeaders` of docker's configuration, which go to every registry; none of a file that cannot be read. */
export function dockerConfigHeaders(
  options: AuthFileLocation = {},
): () => Promise<Readonly<Record<string, string>>> {
  const files = new AuthFileReader();
  return async () => {
    const [path = ''] = authFilePaths(options);
    if (!isDockersFile(path, options)) return {};
    // Who needs the credentials of a broken file hears of it.
    const file = await files.read(path).catch(() => undefined);
    return file?.httpHeaders ?? {};
  };
}

function isDockersFile(path: string, { env = process.env }: AuthFileLocation): boolean {
  return !env['REGISTRY_AUTH_FILE'] && basename(path) === 'config.json';
}

/** The platform's own store. Nobody asked for it, so that it does not work is no error. */
class PlatformStore {
  readonly #helpers: CredentialHelpers;
  readonly #suffix: () => Promise<string | undefined>;
  #isBroken = false;

  constructor({ env = process.env }: AuthFileLocation, helpers: CredentialHelpers) {
    let suffix: Promise<string | undefined> | undefined;
    this.#helpers = helpers;
    this.#suffix = () => (suffix ??= defaultHelper(env['PATH']));
  }

  async get(registry: string, ask: CredentialAsk): Promise<Credential | undefined> {
    const suffix = this.#isBroken ? undefined : await this.#suffix();
    if (suffix === undefined) return undefined;
    try {
      const found = await this.#helpers.get(suffix, authKey(registry), ask);
      return found && { ...found, from: `docker-credential-${suffix}` };
    } catch (error) {
      if (!isOciError(error, 'UNAUTHORIZED')) throw error;
      this.#isBroken = true;
      return undefined;
    }
  }
}

/**
 * Asks credential helpers by their suffix (`docker-credential-<suffix>`), each once for a host.
 *
 * @throws OciError `UNAUTHORIZED` when a helper is missing, fails or takes too long
 */
export function helperCredentials(
  options: Pick<DockerConfigOptions, 'helperTimeoutMs'> = {},
): (suffix: string, registry: string, ask?: CredentialAsk) => Promise<Credential | undefined> {
  const helpers = new CredentialHelpers(options.helperTimeoutMs);
  return async (suffix, registry, ask) => {
    const found = await helpers.get(suffix, authKey(registry), ask);
    return found && { ...found, from: `docker-credential-${suffix}` };
  };
}

async function fromFile(
  file: AuthFile,
  {
    name,
    registry,
    ask,
    helpers,
  }: {
    name: string;
    registry: string;
    ask: CredentialAsk;
    helpers: CredentialHelpers;
  },
): Promise<Credential | undefined> {
  const askHelper = async (suffix: string): Promise<Credential | undefined> => {
    const found = await helpers.get(suffix, authKey(registry), ask);
    return found && { ...found, from: `docker-credential-${suffix}, named in ${name}` };
  };
  const own = helperOf(file, registry);
  if (own !== undefined) return askHelper(own);
  const stored = file.credsStore === undefined ? undefined : await askHelper(file.credsStore);
  if (stored) return stored;
  const found = credentialOf(file, registry, ask.repository);
  return found && { ...found, from: name };
}
