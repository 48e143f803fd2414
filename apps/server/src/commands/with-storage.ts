import type { CallOptions } from '@oci/spec-types';

import { claimDirectory } from '../directory-claim.js';
import { loadConfiguration } from '../config/configuration.js';
import type { ServerSettingInputs } from '../config/server-settings.js';
import { type HostedStorage, openStorage, openStorageReadOnly } from '../hosted/storage.js';
import { printNote } from '../output.js';
import type { ServerOptions } from '../server-options.js';

/** The storage that a server of this configuration would use, in its present format. */
export interface OpenedStorage {
  readonly storage: HostedStorage;
  readonly options: ServerOptions;
}

/**
 * Runs a command on the storage of hosted repositories without a server. Files are claimed as a server claims
 * them, so that none runs beside; a bucket can be shared.
 *
 * @throws OciError `CONFIG_INVALID`, `STORAGE_FAILED` when a server uses the directory, and as `work` does
 */
export async function withStorage<T>(
  inputs: ServerSettingInputs,
  work: (opened: OpenedStorage) => Promise<T>,
  { signal }: CallOptions = {},
): Promise<T> {
  const { options } = await loadConfiguration(inputs);
  const {
    dataDir,
    storage: { kind } = { kind: 'file' },
    directoryPatienceMs: patienceMs,
  } = options;
  const storage = await openStorage(dataDir, options.storage);
  try {
    const onWait = (): void => printNote([`waiting for another server that uses ${dataDir}`]);
    const release =
      kind === 'file' ? await claimDirectory(dataDir, { patienceMs, signal, onWait }) : undefined;
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
