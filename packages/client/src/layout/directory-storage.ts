import { type FileHandle, lstat, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

import {
  type CallOptions,
  type Descriptor,
  type Digest,
  OciError,
  digestAlgorithm,
  digestEncoded,
  layoutHeader,
  parseLayoutHeader,
  throwIfAborted,
} from '@oci/spec-types';
import {
  TemporaryFiles,
  createFile,
  onStorage,
  replaceFile,
  syncDirectory,
  unlessMissing,
  withFileLock,
} from '@oci/files';

import { containedDirectory, openContained } from './contained-path.js';
import {
  type LayoutIndex,
  emptyLayoutIndex,
  formatLayoutIndex,
  maxLayoutIndexSize,
  parseLayoutIndex,
} from './layout-index.js';
import type { LayoutStorage } from './layout-storage.js';

type Change = (index: LayoutIndex) => LayoutIndex;

/**
 * A layout in a directory. Content is written to a file of its own, synced and renamed; `index.json`
 * under a lock that all processes share.
 */
export class DirectoryStorage implements LayoutStorage {
  readonly name: string;
  readonly #temporary: TemporaryFiles;
  /** The index as it was read last: most who ask find that it is still that. */
  #known: { readonly version: string; readonly index: LayoutIndex } | undefined;
  #changes: Change[] = [];
  #writing: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.name = path;
    this.#temporary = new TemporaryFiles(join(path, '.tmp'));
  }

  /** Makes the parts of a layout, the one that tells it from other directories first. */
  async begin(): Promise<void> {
    const locks = await containedDirectory(this.name, '.locks');
    await withFileLock(join(locks, 'index'), async () => {
      if (await isLayout(this.name)) return;
      await this.#replace('oci-layout', Buffer.from(layoutHeader));
      await this.#replaceIndex(emptyLayoutIndex);
      await containedDirectory(this.name, join('blobs', 'sha256'));
    });
  }

  async sizeOf(digest: Digest): Promise<number | undefined> {
    const opened = await this.#open(blobPath(digest));
    await opened?.file.close();
    return opened?.size;
  }

  async snapshot(digest: Digest): Promise<string | undefined> {
    const opened = await this.#open(blobPath(digest));
    if (!opened) return undefined;
    try {
      const { ino, size, mtimeNs, ctimeNs } = await opened.file.stat({ bigint: true });
      return `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
    } finally {
      await opened.file.close();
    }
  }

  async *read(
    digest: Digest,
    { signal }: CallOptions,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const opened = await this.#open(blobPath(digest));
    if (!opened) throw new OciError('BLOB_UNKNOWN', `${this.name} does not hold ${digest}`);
    try {
      for await (const chunk of chunksOf(opened.file)) {
        throwIfAborted(signal);
        yield chunk;
      }
    } finally {
      await opened.file.close();
    }
  }

  async write(descriptor: Descriptor, body: AsyncIterable<Uint8Array>): Promise<void> {
    const { digest, size } = descriptor;
    await onStorage({ path: this.name, neededBytes: size }, () =>
      this.withTemporary(async (path) => {
        await createFile(path, body, { sync: 'content' });
        await this.keep(path, digest);
      }),
    );
  }

  /** Runs `work` with a path that is nobody else's; when it fails, what it left there is removed. */
  async withTemporary(work: (path: string) => Promise<void>): Promise<void> {
    await containedDirectory(this.name, '.tmp');
    const path = await this.#temporary.create();
    try {
      await work(path);
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    }
  }

  /** Makes a verified, synced file of the same file system the blob. */
  async keep(path: string, digest: Digest): Promise<void> {
    const directory = await containedDirectory(this.name, join('blobs', digestAlgorithm(digest)));
    await rename(path, join(directory, digestEncoded(digest)));
    await syncDirectory(directory);
  }

  async remove(digest: Digest): Promise<void> {
    const path = join(this.name, blobPath(digest));
    await onStorage({ path }, () => rm(path, { force: true }));
  }

  async readIndex(): Promise<LayoutIndex> {
    const opened = await this.#open('index.json');
    if (!opened) return emptyLayoutIndex;
    try {
      if (opened.size > maxLayoutIndexSize) throw tooLarge(this.name, opened.size);
      const { ino, size, mtimeNs } = await opened.file.stat({ bigint: true });
      const version = `${ino} ${size} ${mtimeNs}`;
      if (this.#known?.version === version) return this.#known.index;
      const index = parseLayoutIndex(await opened.file.readFile());
      this.#known = { version, index };
      return index;
    } finally {
      await opened.file.close();
    }
  }

  /** Changes that come while one is written are written together. */
  async updateIndex(change: Change): Promise<void> {
    this.#changes.push(change);
    if (this.#changes.length > 1) return this.#writing;
    const written = this.#writing
      .catch(() => {})
      .then(() => onStorage({ path: this.name }, () => this.#writeChanges()));
    this.#writing = written;
    return written;
  }

  async #writeChanges(): Promise<void> {
    const changes = this.#changes;
    this.#changes = [];
    const locks = await containedDirectory(this.name, '.locks');
    await withFileLock(join(locks, 'index'), async (held) => {
      const before = await this.readIndex();
      const after = changes.reduce((index, change) => change(index), before);
      if (after === before) return;
      await held.ensure();
      await this.#replaceIndex(after);
    });
  }

  async #replaceIndex(index: LayoutIndex): Promise<void> {
    const bytes = formatLayoutIndex(index);
    if (bytes.byteLength > maxLayoutIndexSize) throw tooLarge(this.name, bytes.byteLength);
    await this.#replace('index.json', bytes);
  }

  /** Nobody ever sees a part of it. */
  async #replace(name: string, bytes: Uint8Array): Promise<void> {
    await containedDirectory(this.name, '.tmp');
    await replaceFile(join(this.name, name), bytes, {
      temporaryFiles: this.#temporary,
      sync: 'name',
    });
  }

  #open(relative: string): ReturnType<typeof openContained> {
    return onStorage({ path: join(this.name, relative) }, () => openContained(this.name, relative));
  }
}

/**
 * Looks whether a directory is a layout.
 *
 * @returns false when there is nothing, or an empty directory
 * @throws OciError `DOCUMENT_INVALID` for a directory that is something else
 */
export async function isLayout(path: string): Promise<boolean> {
  return onStorage({ path }, async () => {
    const header =
      (await lstat(path).catch(unlessMissing)) && (await openContained(path, 'oci-layout'));
    if (header) {
      try {
        if (header.size > 1024) throw noLayout(path);
        parseLayoutHeader(await header.file.readFile());
        return true;
      } finally {
        await header.file.close();
      }
    }
    const names = (await readdir(path).catch(unlessMissing)) ?? [];
    if (names.some((name) => !name.startsWith('.'))) throw noLayout(path);
    return false;
  });
}

/** Makes an empty layout; of several who do it at once one does. */
export async function createLayout(path: string): Promise<void> {
  await onStorage({ path }, async () => {
    await mkdir(path, { recursive: true });
    await new DirectoryStorage(path).begin();
  });
}

function blobPath(digest: Digest): string {
  return join('blobs', digestAlgorithm(digest), digestEncoded(digest));
}

/** Bytes that are read at once. */
const chunkSize = 256 * 1024;

async function* chunksOf(file: FileHandle): AsyncGenerator<Uint8Array, void, undefined> {
  for (let offset = 0; ;) {
    const { buffer, bytesRead } = await file.read(
      Buffer.allocUnsafe(chunkSize),
      0,
      chunkSize,
      offset,
    );
    if (bytesRead === 0) return;
    offset += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

function tooLarge(name: string, size: number): OciError {
  return new OciError('LIMIT_EXCEEDED', `the index.json of ${name} has ${size} bytes`, {
    hint: `At most ${maxLayoutIndexSize} are read: divide the layout.`,
  });
}

function noLayout(path: string): OciError {
  return new OciError('DOCUMENT_INVALID', `${path} is not an OCI image layout`, {
    hint: 'It has no valid oci-layout file. Name another directory, or an empty one to begin a layout in.',
  });
}
