import { constants } from 'node:fs';
import { copyFile, lstat, open, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { type Digest, OciError } from '@oci/spec-types';
import {
  type TemporaryFiles,
  isMissing,
  makeDirectoryBelow,
  onStorage,
  readNote,
  replaceFile,
} from '@oci/files';

import { type ArchiveType, detectArchive, detectionBytes } from './archive-type.js';
import type { Inventory } from './inventory.js';
import {
  type ReferenceKey,
  type ViewName,
  layoutVersion,
  referenceId,
  viewPath,
  viewRecordFile,
} from './layout.js';
import { showsLayer } from './shown-layer.js';
import type { StoredBlob } from './stored-blob.js';

/** What a view has to show. */
export interface ViewRequest {
  readonly name: ViewName;
  readonly reference: ReferenceKey;
  readonly manifestDigest: Digest;
  readonly blob: StoredBlob;
  /** Hashes what is shown, whatever its record says. Default false. */
  readonly rehash?: boolean | undefined;
}

/** A gzip tar at one of the guide's paths. */
export interface View {
  readonly path: string;
}

/** What `view.json` says: whose content the file beside it is, and how the file looked then. */
interface ViewRecord {
  readonly version: typeof layoutVersion;
  readonly registry: string;
  readonly repository: string;
  /** Identity of the reference. */
  readonly reference: string;
  readonly manifest: string;
  readonly layer: string;
  readonly size: number;
  /** File systems tell times apart by milliseconds only, so that two files of one size may share theirs. */
  readonly mtimeMs: number;
  readonly ino: number;
}

/** The guide's paths: each shows one verified blob, and says which. */
export class ViewStore {
  readonly #dir: string;
  readonly #temporary: TemporaryFiles;

  readonly #inventory: Inventory;
  readonly #fsync: boolean;

  constructor(
    dir: string,
    parts: { temporary: TemporaryFiles; inventory: Inventory; fsync?: boolean | undefined },
  ) {
    this.#dir = dir;
    this.#temporary = parts.temporary;
    this.#inventory = parts.inventory;
    this.#fsync = parts.fsync ?? true;
  }

  /**
   * Shows a blob at its path, unless it is shown there already. What another registry or digest left
   * under the same name is replaced, never served.
   *
   * @throws OciError `REFERENCE_INVALID`, `UNSUPPORTED` for content that is no tar, `STORAGE_…`
   */
  async materialise(request: ViewRequest): Promise<View> {
    const { directory, file } = viewPath(request.name);
    const folder = join(this.#dir, directory);
    const path = join(folder, file);
    const { digest, size } = request.blob.descriptor;
    return onStorage({ path, neededBytes: size }, async () => {
      if (
        (await isShown(folder, path, request)) &&
        (!request.rehash || (await showsLayer(path, digest, async () => size)))
      )
        return { path };
      await makeDirectoryBelow(this.#dir, directory);
      const before = await stat(path).catch(() => undefined);
      let shownBytes = 0;
      const write = async (temporary: string): Promise<void> => {
        await writeGzipTar(request.blob, temporary);
        if (request.rehash) await refuseChanged(temporary, request.blob);
        await this.#inventory.shown(request.reference, directory);
        // Ahead of the file, whose time and size a renaming keeps: one without a record counts as damaged.
        shownBytes = await this.#record(folder, temporary, request);
      };
      // Its record says the size and the time only, which a file has whose bytes a power cut took.
      const sync = this.#fsync ? 'content' : undefined;
      await replaceFile(path, write, { temporaryFiles: this.#temporary, sync });
      await this.#inventory.usage.add({ blobs: 0, bytes: shownBytes - (before?.size ?? 0) });
      return { path };
    });
  }

  async #record(folder: string, path: string, request: ViewRequest): Promise<number> {
    const info = await stat(path);
    const record: ViewRecord = { version: layoutVersion, ...identityOf(request), ...looksOf(info) };
    await replaceFile(join(folder, viewRecordFile), JSON.stringify(record), {
      temporaryFiles: this.#temporary,
    });
    return info.size;
  }
}

type Looks = Pick<ViewRecord, 'size' | 'mtimeMs' | 'ino'>;

function looksOf({ size, mtimeMs, ino }: Looks): Looks {
  return { size, mtimeMs, ino };
}

function identityOf(request: ViewRequest): Omit<ViewRecord, 'version' | keyof Looks> {
  const { reference, manifestDigest, blob } = request;
  const { registry, repository } = reference;
  const id = referenceId(reference);
  const layer = blob.descriptor.digest;
  return { registry, repository, reference: id, manifest: manifestDigest, layer };
}

async function isShown(folder: string, path: string, request: ViewRequest): Promise<boolean> {
  try {
    const record = JSON.parse((await readNote(join(folder, viewRecordFile))) ?? '') as ViewRecord;
    const info = await lstat(path);
    if (!info.isFile()) return false;
    const expected = { version: layoutVersion, ...identityOf(request), ...looksOf(info) };
    return (Object.keys(expected) as (keyof typeof expected)[]).every(
      (key) => record[key] === expected[key],
    );
  } catch (error) {
    if (isMissing(error) || error instanceof SyntaxError) return false;
    throw error;
  }
}

/** The blob was hashed, and may have been changed before it was copied. */
async function refuseChanged(copy: string, { descriptor, path }: StoredBlob): Promise<void> {
  if (await showsLayer(copy, descriptor.digest, async () => descriptor.size)) return;
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
  // Not a hard link: whoever edits the view would edit the blob.
  if (type === 'gzip')
    return copyFile(blob.path, target, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
  if (type === 'tar') {
    const { compressFile } = await import('./compression.js');
    return compressFile(blob.path, target);
  }
  throw new OciError(
    'UNSUPPORTED',
    `${blob.descriptor.digest} is ${type ?? 'no archive'}, not a tar`,
    {
      hint: 'Its bytes are in the cache under blobs/; it is not shown at a path for tar files.',
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
