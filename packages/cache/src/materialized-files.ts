import { lstat, open, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { type Digest, OciError } from '@oci/spec-types';
import {
  type TemporaryFiles,
  makeDirectoryBelow,
  onStorage,
  replaceFile,
  unlessMissing,
} from '@oci/files';

import { type ArchiveType, detectArchive, detectionBytes } from './archive-type.js';
import {
  type ReferenceKey,
  type MaterializedName,
  materializedPath,
  recordVersion,
  referenceId,
} from './cache-format.js';
import { cloneFile } from './cloned-file.js';
import { hasLayerContent } from './layer-content.js';
import { type MaterializedRecord, recordOf, recordPath } from './materialized-record.js';
import type { StoredBlob } from './stored-blob.js';

/** What to materialize, and where. */
export interface MaterializeRequest {
  readonly name: MaterializedName;
  readonly reference: ReferenceKey;
  readonly manifestDigest: Digest;
  readonly blob: StoredBlob;
  /** Hashes what is there, whatever its record says. Default false. */
  readonly rehash?: boolean | undefined;
}

/** A gzip tar at one of the guide's paths. */
export interface MaterializedFile {
  readonly path: string;
}

/** The files at the guide's paths: each is one verified blob, and says which. */
export class MaterializedFiles {
  readonly #dir: string;
  readonly #temporary: TemporaryFiles;
  readonly #fsync: boolean;

  constructor(dir: string, parts: { temporary: TemporaryFiles; fsync?: boolean | undefined }) {
    this.#dir = dir;
    this.#temporary = parts.temporary;
    this.#fsync = parts.fsync ?? true;
  }

  /**
   * Puts a blob at its path, unless it is there already. What another registry or digest left
   * under the same name is replaced, never served.
   *
   * @throws OciError `REFERENCE_INVALID`, `UNSUPPORTED` for content that is no tar, `STORAGE_…`
   */
  async materialize(request: MaterializeRequest): Promise<MaterializedFile> {
    const { directory, file } = materializedPath(request.name);
    const path = join(this.#dir, directory, file);
    const { digest, size } = request.blob.descriptor;
    return onStorage({ path, neededBytes: size }, async () => {
      if (
        (await isMaterialized(path, request)) &&
        (!request.rehash || (await hasLayerContent(path, digest, async () => size)))
      )
        return { path };
      await makeDirectoryBelow(this.#dir, directory);
      const write = async (temporary: string): Promise<void> => {
        await writeGzipTar(request.blob, temporary);
        if (request.rehash) await refuseChanged(temporary, request.blob);
        // Ahead of the file, whose time and size a renaming keeps: one without a record counts as corrupt.
        await this.#record(path, temporary, request);
      };
      // Its record says the size and the time only, which a file has whose bytes a power cut took.
      const sync = this.#fsync ? 'content' : undefined;
      await replaceFile(path, write, { temporaryFiles: this.#temporary, sync });
      return { path };
    });
  }

  async #record(path: string, temporary: string, request: MaterializeRequest): Promise<void> {
    const info = await stat(temporary);
    const record: MaterializedRecord = {
      version: recordVersion,
      ...identityOf(request),
      ...looksOf(info),
    };
    await replaceFile(recordPath(path), JSON.stringify(record), {
      temporaryFiles: this.#temporary,
    });
  }
}

type Looks = Pick<MaterializedRecord, 'size' | 'mtimeMs' | 'ino'>;

function looksOf({ size, mtimeMs, ino }: Looks): Looks {
  return { size, mtimeMs, ino };
}

function identityOf(
  request: MaterializeRequest,
): Omit<MaterializedRecord, 'version' | keyof Looks> {
  const { reference, manifestDigest, blob } = request;
  const { registry, repository } = reference;
  const id = referenceId(reference);
  const layer = blob.descriptor.digest;
  return { registry, repository, reference: id, manifest: manifestDigest, layer };
}

async function isMaterialized(path: string, request: MaterializeRequest): Promise<boolean> {
  const record = recordOf(path);
  const info = record && (await lstat(path).catch(unlessMissing));
  if (!info?.isFile()) return false;
  const expected = { version: recordVersion, ...identityOf(request), ...looksOf(info) };
  return (Object.keys(expected) as (keyof typeof expected)[]).every(
    (key) => record?.[key] === expected[key],
  );
}

/** The blob was hashed, and may have been changed before it was copied. */
async function refuseChanged(copy: string, { descriptor, path }: StoredBlob): Promise<void> {
  if (await hasLayerContent(copy, descriptor.digest, async () => descriptor.size)) return;
  throw new OciError('DIGEST_MISMATCH', `${path} changed while it was read`, {
    hint: 'Something else writes to the cache. Who may?',
  });
}

/** Writes a tar as a gzip tar to a new file. A blob that is gzip is copied (by reference where the file system can), plain tar is compressed. */
export async function writeGzipTar(
  blob: Pick<StoredBlob, 'descriptor' | 'path'>,
  target: string,
): Promise<void> {
  const type = await typeOf(blob);
  // Not a hard link: whoever edits the file would edit the blob.
  if (type === 'gzip') return cloneFile(blob.path, target);
  if (type === 'tar') {
    const { compressFile } = await import('./compression.js');
    return compressFile(blob.path, target);
  }
  throw new OciError(
    'UNSUPPORTED',
    `${blob.descriptor.digest} is ${type ?? 'no archive'}, not a tar`,
    {
      hint: 'Its bytes are in the cache under blobs/; no file is made of it at a path for tar files.',
    },
  );
}

async function typeOf(blob: Pick<StoredBlob, 'path'>): Promise<ArchiveType | undefined> {
  const file = await open(blob.path);
  try {
    const { buffer, bytesRead } = await file.read(
      Buffer.alloc(detectionBytes),
      0,
      detectionBytes,
      0,
    );
    return detectArchive(buffer.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}
