import { readdir } from 'node:fs/promises';

import { type CallOptions, OciError, isOciError } from '@oci/spec-types';

import { claimDirectory } from '../directory-claim.js';
import { loadConfiguration } from '../config/configuration.js';
import type { ServerSettingInputs } from '../config/server-settings.js';
import { noStorage, requireFormat } from '../hosted/format.js';
import { Records } from '../hosted/records.js';
import { type HostedStorage, openStorage, openStorageReadOnly } from '../hosted/storage.js';
import { printNote } from '../output.js';
import type { ServerOptions } from '../server-options.js';

/** The storage that a server of this configuration would use, in its present format. */
export interface OpenedStorage {
  readonly storage: HostedStorage;
  readonly options: ServerOptions;
}

export interface StorageCall extends CallOptions {
  /** Begins a storage where there is none. Without it, a mistyped directory would look like an empty storage. */
  readonly mayCreate?: boolean;
}

/**
 * Runs a command on the storage of hosted repositories without a server. Files are claimed as a server claims
 * them, so that none runs beside; a bucket can be shared.
 *
 * @throws OciError `CONFIG_INVALID`, `STORAGE_FAILED` when a server uses the directory, or nothing is stored there
 *   and `mayCreate` is not set, and as `work` does
 */
export async function withStorage<T>(
  inputs: ServerSettingInputs,
  work: (opened: OpenedStorage) => Promise<T>,
  { signal, mayCreate = false }: StorageCall = {},
): Promise<T> {
  const { options } = await loadConfiguration(inputs);
  const {
    dataDir,
    storage: { kind } = { kind: 'file' },
    directoryPatienceMs: patienceMs,
  } = options;
  const storage = await openStorage(dataDir, options.storage);
  try {
    if (!mayCreate) await requireStorage(storage, options);
    const onWait = (): void => printNote([`waiting for another server that uses ${dataDir}`]);
    const release =
      kind === 'file'
        ? await claimDirectory(dataDir, { patienceMs, signal, onWait }).catch(whileServed)
        : undefined;
    try {
      return await prepared({ storage, options }, work);
    } finally {
      await release?.();
    }
  } finally {
    storage.close();
  }
}

/**
 * As {@link withStorage}, for work that only reads: a server may use the storage meanwhile, of files too, since
 * each of its objects appears whole, is replaced whole, and stays readable to who has opened it.
 *
 * @throws OciError `CONFIG_INVALID`, `STORAGE_FAILED` when there is no storage, and as `work` does
 */
export async function withStorageReadOnly<T>(
  inputs: ServerSettingInputs,
  work: (opened: OpenedStorage) => Promise<T>,
): Promise<T> {
  const { options } = await loadConfiguration(inputs);
  const storage = await openStorageReadOnly(options.dataDir, options.storage);
  try {
    return await prepared({ storage, options }, work);
  } finally {
    storage.close();
  }
}

async function prepared<T>(
  opened: OpenedStorage,
  work: (opened: OpenedStorage) => Promise<T>,
): Promise<T> {
  await opened.storage.prepare({
    info: () => {},
    warn: (fields, what) => printNote([`${what}: ${JSON.stringify(fields)}`]),
  });
  return work(opened);
}

/** @throws OciError `STORAGE_FAILED` where no server, of this or an older version, has stored anything */
async function requireStorage(
  { store }: HostedStorage,
  { dataDir, storage }: ServerOptions,
): Promise<void> {
  if (storage?.kind === 's3') return requireFormat(new Records(store), `bucket ${storage.bucket}`);
  const versions = await readdir(dataDir).catch((): string[] => []);
  if (!versions.includes('v1') && !versions.includes('v2')) throw noStorage(dataDir);
}

function whileServed(error: unknown): never {
  if (!isOciError(error, 'STORAGE_FAILED') || !error.message.startsWith('another server uses'))
    throw error;
  throw new OciError('STORAGE_FAILED', error.message, {
    cause: error,
    hint: 'Stop it first. A running server collects, verifies and applies retention itself: see docs/server.md for the API.',
  });
}
