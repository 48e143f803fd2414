import type { S3StorageOptions, StorageOptions } from './hosted/storage.js';
import type { ServerOptions } from './server-options.js';

export interface Reloaded {
  /** Settings that were changed and need a restart, e.g. `server.listen`; they stay as they were. */
  readonly needsRestart: readonly string[];
}

export interface ReloadableOptions extends Reloaded {
  /** The new options, with the old ones where a running server cannot change. */
  readonly options: ServerOptions;
}

/**
 * Takes over what a running server can change, and tells the rest.
 *
 * @param before the options that the server was started with
 */
export function reloadableOptions(before: ServerOptions, next: ServerOptions): ReloadableOptions {
  const fixed: Readonly<Record<string, readonly [unknown, unknown]>> = {
    'server.listen': [before.listen, next.listen],
    'server.data_dir': [before.dataDir, next.dataDir],
    ...storageSettings(before.storage, next.storage),
    'server.tls_cert_file': [before.tls !== undefined, next.tls !== undefined],
    // Whether certificates are asked for is settled when the server begins to listen.
    'server.client_ca_file': [asksCertificate(before), asksCertificate(next)],
    'server.require_client_certificate': [
      before.tls?.requireClientCertificate ?? false,
      next.tls?.requireClientCertificate ?? false,
    ],
    'audit.enabled': [before.audit !== undefined, next.audit !== undefined],
    'audit.dir': [before.audit?.dir, next.audit?.dir],
    'audit.key_file': [text(before.audit?.key), text(next.audit?.key)],
    'audit.max_file_bytes': [before.audit?.maxFileBytes, next.audit?.maxFileBytes],
    'audit.keep_files': [before.audit?.keepFiles, next.audit?.keepFiles],
    'audit.required': [before.audit?.required, next.audit?.required],
  };
  const needsRestart = Object.entries(fixed)
    .filter(([, [old, present]]) => JSON.stringify(old) !== JSON.stringify(present))
    .map(([setting]) => setting);
  const { listen, dataDir, storage, audit } = before;
  const kept = { listen, dataDir, storage, audit, tls: tlsOf(before, next) };
  return { options: { ...next, ...kept }, needsRestart };
}

/** The values of `server.storage` by setting. */
function storageSettings(
  ...options: readonly [StorageOptions | undefined, StorageOptions | undefined]
): Readonly<Record<string, readonly [unknown, unknown]>> {
  const [before, next] = options.map((storage) => {
    const bucket: Partial<S3StorageOptions> = storage?.kind === 's3' ? storage : {};
    return {
      kind: storage?.kind ?? 'file',
      bucket: bucket.bucket,
      prefix: bucket.prefix,
      endpoint: bucket.endpoint,
      region: bucket.region,
      path_style: bucket.pathStyle ?? false,
      ca_file: bucket.ca,
      insecure: bucket.insecure ?? false,
      access_key_id_file: bucket.credentials?.accessKeyId,
      secret_access_key_file: bucket.credentials?.secretAccessKey,
      session_token_file: bucket.credentials?.sessionToken,
    };
  });
  const names = Object.keys(before ?? {}) as (keyof NonNullable<typeof before>)[];
  return Object.fromEntries(
    names.map((name) => [`server.storage.${name}`, [before?.[name], next?.[name]]]),
  );
}

function tlsOf({ tls: before }: ServerOptions, { tls: next }: ServerOptions): ServerOptions['tls'] {
  if (!before || !next) return before;
  const clientCa = before.clientCa === undefined ? undefined : next.clientCa;
  return { ...next, clientCa, requireClientCertificate: before.requireClientCertificate };
}

function asksCertificate({ tls }: ServerOptions): boolean {
  return tls?.clientCa !== undefined;
}

function text(key: Uint8Array | undefined): string | undefined {
  return key && Buffer.from(key).toString('base64');
}
