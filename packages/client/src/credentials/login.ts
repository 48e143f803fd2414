import { OciError, type RegistryHost, isOciError } from '@oci/spec-types';

import { type Registry, createRegistry } from '../registry.js';
import type { RegistryOptions } from '../registry-options.js';
import { AuthFileReader, authKey, helperOf, isSilent, keysOfRegistry } from './auth-file.js';
import { editAuthFile } from './auth-file-edit.js';
import { authFilePaths, authFileToWrite } from './auth-file-path.js';
import {
  type Credential,
  type CredentialReport,
  type CredentialSource,
  reportCredential,
} from './credential.js';
import { type DockerConfigOptions, dockerConfigCredentials } from './docker-config.js';
import { defaultHelper } from './default-helper.js';
import { CredentialHelpers } from './helper.js';

export interface LoginOptions extends DockerConfigOptions {
  /** The registry, and how it is reached. */
  readonly connection: Omit<RegistryOptions, 'credentials'>;
  readonly credential: Exclude<Credential, { kind: 'bearer' }>;
  readonly signal?: AbortSignal | undefined;
}

export interface LoginResult {
  readonly registry: RegistryHost;
  /** The file, or `docker-credential-<suffix>`. */
  readonly storedIn: string;
  /** Whether the secret stands in a file in the clear: no credential helper is configured. */
  readonly inTheClear: boolean;
  /** False when the registry let us in without asking who we are. */
  readonly verified: boolean;
}

/**
 * Stores a credential where docker keeps it, after the registry accepted it: by the helper that is
 * configured for the registry or for all, else by the platform's own, else in the file, for its owner only.
 *
 * @throws OciError `UNAUTHORIZED` when the registry does not accept it; nothing is stored then
 */
export async function login(options: LoginOptions): Promise<LoginResult> {
  const { credential } = options;
  refuseIncomplete(credential);
  let asked = false;
  const credentials: CredentialSource = async () => {
    asked = true;
    return credential;
  };
  const registry = createRegistry({ ...options.connection, credentials });
  const { host } = registry;
  await verifyCredential(registry, options);
  const path = authFileToWrite(options);
  const { suffix, isDefault } = await storeIn(await helperFor(path, host, options), host, options);
  const entry = suffix === undefined ? entryOf(credential) : {};
  await editAuthFile(path, (entries) => ({ ...without(entries, host), [authKey(host)]: entry }), {
    // A file with an entry and no store is taken for the store itself.
    ...(isDefault && { credsStore: suffix }),
  });
  return {
    registry: host,
    storedIn: suffix === undefined ? path : `docker-credential-${suffix}`,
    inTheClear: suffix === undefined,
    verified: asked,
  };
}

/** Gives the credential to the helper; the platform's own may be there and not work, as without a desktop. */
async function storeIn(
  helper: Helper,
  host: RegistryHost,
  { credential, signal, helperTimeoutMs }: LoginOptions,
): Promise<Helper> {
  if (helper.suffix === undefined) return helper;
  const helpers = new CredentialHelpers(helperTimeoutMs);
  try {
    await helpers.store(helper.suffix, authKey(host), { credential, signal });
    return helper;
  } catch (error) {
    if (!helper.isDefault || !isOciError(error, 'UNAUTHORIZED')) throw error;
    return { suffix: undefined, isDefault: false };
  }
}

async function verifyCredential(
  registry: Registry,
  { credential, signal }: Pick<LoginOptions, 'credential' | 'signal'>,
): Promise<void> {
  try {
    await registry.ping({ signal });
  } catch (error) {
    throw isOciError(error, 'UNAUTHORIZED') ? notAccepted(error, credential) : error;
  } finally {
    await registry.close();
  }
}

/** Who is logging in is not helped by being told to log in. */
function notAccepted(error: OciError, { kind }: LoginOptions['credential']): OciError {
  const { request, registryErrors } = error;
  const hint =
    kind === 'password'
      ? 'Check the user name and the password; some registries want a token for a password.'
      : 'Check the token: it may have expired, or be of another registry.';
  return new OciError(error.code, error.message, { hint, request, registryErrors, cause: error });
}

export interface LogoutResult {
  /** The files and helpers that a credential was taken from. */
  readonly removedFrom: readonly string[];
  /** What the registry gets from now on: another file or variable may still have a credential. */
  readonly remaining: CredentialReport;
}

/** Takes the credential of a registry out of docker's file and its helper. @throws OciError */
export async function logout(
  registry: RegistryHost,
  options: DockerConfigOptions & { readonly signal?: AbortSignal | undefined } = {},
): Promise<LogoutResult> {
  const removedFrom: string[] = [];
  const path = authFileToWrite(options);
  const helper = await helperFor(path, registry, options);
  if (await eraseFrom(helper, registry, options))
    removedFrom.push(`docker-credential-${helper.suffix}`);
  for (const file of new Set([path, ...authFilePaths(options)])) {
    if (file.endsWith('.dockercfg')) continue;
    await editAuthFile(file, (entries) => {
      if (keysOfRegistry(entries, registry).length === 0) return undefined;
      removedFrom.push(file);
      return without(entries, registry);
    });
  }
  const remaining = await reportCredential(dockerConfigCredentials(options), registry);
  return { removedFrom, remaining };
}

/** @returns whether the helper had it; the platform's own may be there and not work */
async function eraseFrom(
  { suffix, isDefault }: Helper,
  registry: RegistryHost,
  { helperTimeoutMs, signal }: DockerConfigOptions & { readonly signal?: AbortSignal | undefined },
): Promise<boolean> {
  if (suffix === undefined) return false;
  try {
    return await new CredentialHelpers(helperTimeoutMs).erase(suffix, authKey(registry), signal);
  } catch (error) {
    if (!isDefault || !isOciError(error, 'UNAUTHORIZED')) throw error;
    return false;
  }
}

function refuseIncomplete(credential: LoginOptions['credential']): void {
  const broken =
    credential.kind === 'password'
      ? credential.username === '' || credential.username.includes(':') || !credential.password
      : !credential.token;
  if (!broken) return;
  throw new OciError('USAGE', 'a user name without a colon and a password are needed to log in', {
    hint: 'Give the password on standard input, so that it stands in no history.',
  });
}

interface Helper {
  /** Undefined where the file itself is the store. */
  readonly suffix: string | undefined;
  /** Whether no file names it. */
  readonly isDefault: boolean;
}

async function helperFor(
  path: string,
  registry: RegistryHost,
  { env = process.env }: DockerConfigOptions,
): Promise<Helper> {
  const file = await new AuthFileReader().read(path);
  const named = file && (helperOf(file, registry) ?? file.credsStore);
  if (named !== undefined) return { suffix: named, isDefault: false };
  const isAsked = !env['REGISTRY_AUTH_FILE'] && (!file || isSilent(file));
  const suffix = isAsked ? await defaultHelper(env['PATH']) : undefined;
  return { suffix, isDefault: suffix !== undefined };
}

function entryOf(credential: LoginOptions['credential']): Readonly<Record<string, string>> {
  if (credential.kind === 'refresh') {
    // Docker wants a name beside an identity token, and never sends it.
    return { auth: encode('<token>:'), identitytoken: credential.token };
  }
  return { auth: encode(`${credential.username}:${credential.password}`) };
}

function encode(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}

function without(
  entries: Readonly<Record<string, unknown>>,
  registry: RegistryHost,
): Readonly<Record<string, unknown>> {
  const gone = new Set(keysOfRegistry(entries, registry));
  return Object.fromEntries(Object.entries(entries).filter(([key]) => !gone.has(key)));
}
