import { type ObjectStore, createFileObjectStore } from '@oci/cache';
import type { S3ObjectStore } from '@oci/cache/s3';

import { ensureFormat, requireFormat } from './format.js';
import { bytes } from './json-object.js';
import { keys } from './keys.js';
import { readOnlyStore } from './read-only-store.js';
import { Records } from './records.js';
import { refuseVersion1, upgradeVersion1 } from './version-1-upgrade.js';

/** Where hosted content is kept: files below the data directory, or a bucket. */
export type StorageOptions = { readonly kind: 'file' } | S3StorageOptions;

export interface S3StorageOptions {
  readonly kind: 's3';
  readonly bucket: string;
  /** In front of every key. */
  readonly prefix?: string | undefined;
  /** URL of the service. Default: that of AWS for the region. */
  readonly endpoint?: string | undefined;
  readonly region?: string | undefined;
  readonly pathStyle?: boolean | undefined;
  /** PEM of the authorities that the service's certificate may be of. */
  readonly ca?: string | undefined;
  /** Take any certificate. */
  readonly insecure?: boolean | undefined;
  /** Default: those of the environment, the AWS configuration files, or the platform. */
  readonly credentials?:
    | {
        readonly accessKeyId: string;
        readonly secretAccessKey: string;
        readonly sessionToken?: string;
      }
    | undefined;
}

/** Where a storage tells what it did while it was prepared. */
interface StorageLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** What only the service of a bucket can be asked. */
export type StorageService = Pick<S3ObjectStore, 'serviceTime' | 'countOpenUploads'>;

/** The storage of one server. */
export interface HostedStorage {
  readonly store: ObjectStore;
  /** Of a bucket. */
  readonly service?: StorageService | undefined;
  /**
   * Brings the storage to the present format.
   *
   * @throws OciError `STORAGE_…`
   */
  prepare(log: StorageLog): Promise<void>;
  /** @throws OciError `STORAGE_…` when nothing can be stored, or not in time */
  probe(): Promise<void>;
  close(): void;
}

/** Milliseconds that a bucket has to answer a probe. */
const probePatienceMs = 5000;

/** Opens the storage; a client of S3 is loaded only for a bucket. */
export async function openStorage(
  dataDir: string,
  options: StorageOptions = { kind: 'file' },
): Promise<HostedStorage> {
  return options.kind === 'file' ? fileStorage(dataDir) : bucketStorage(options);
}

/** Opens the storage of a server that may run to read it: nothing is written, and no list is kept. */
export async function openStorageReadOnly(
  dataDir: string,
  options: StorageOptions = { kind: 'file' },
): Promise<HostedStorage> {
  const isFile = options.kind === 'file';
  const opened = isFile ? undefined : await bucketStorage(options);
  const store = readOnlyStore(opened?.store ?? createFileObjectStore(dataDir));
  const place = isFile ? dataDir : `bucket ${options.bucket}`;
  const prepare = async (): Promise<void> => {
    await requireFormat(new Records(store), place);
    if (isFile) await refuseVersion1(store, place);
  };
  return { store, prepare, probe: prepare, close: () => opened?.close() };
}

function fileStorage(dataDir: string): HostedStorage {
  // The directory is claimed by the server, which is the only one that writes there.
  const store = createFileObjectStore(dataDir, { isExclusive: true });
  return {
    store,
    async prepare(log) {
      await ensureFormat(new Records(store));
      const upgrade = await upgradeVersion1(store, (key) =>
        log.warn({ key }, 'left out what is damaged in version 1 of the storage'),
      );
      if (upgrade) log.info(upgrade, 'took over what version 1 of the storage held');
    },
    probe: () => probe(store),
    close: () => {},
  };
}

async function bucketStorage(options: S3StorageOptions): Promise<HostedStorage> {
  const { bucket, prefix, ...connection } = options;
  const { createS3ObjectStore } = await import('@oci/cache/s3');
  const store = createS3ObjectStore({ bucket, prefix, connection });
  return {
    store,
    service: store,
    prepare: () => ensureFormat(new Records(store)),
    probe: () => probe(store, AbortSignal.timeout(probePatienceMs)),
    close: () => store.close(),
  };
}

async function probe(store: ObjectStore, signal?: AbortSignal): Promise<void> {
  await store.put(keys.probe, bytes(Buffer.from('ready')), { signal });
  await store.delete(keys.probe, { signal });
}
