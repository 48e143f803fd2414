import { mkdir, readdir, symlink } from 'node:fs/promises';
import { join, posix, resolve } from 'node:path';

import { type FileObjectStore, createFileObjectStore } from '@oci/cache';
import {
  TemporaryFiles,
  hasCode,
  makeDirectoryBelow,
  onStorage,
  replaceFile,
  temporaryBeside,
  unlessMissing,
  withFileLock,
} from '@oci/files';
import {
  type CallOptions,
  OciError,
  type RepositoryName,
  isOciError,
  layoutHeader,
} from '@oci/spec-types';
import { verified } from '@oci/spec-types/node';
import { LRUCache } from 'lru-cache';

import { readContained } from './contained-file.js';
import { exportPaths } from './export-format.js';
import { type ExportIndex, formatIndex, readIndex } from './export-index.js';
import { type ExportMark, parseMark } from './export-mark.js';
import type { Content } from './repository-content.js';

/** Blobs of which it is remembered that they were hashed in this run. */
const mostVerified = 100_000;
const maxMarkBytes = 64 * 1024;

/**
 * The directory of an export, which one process at a time writes. A blob gets its name when it was hashed and is on
 * the disk; the list of a repository is replaced as a whole.
 */
export class ExportDirectory {
  readonly path: string;
  readonly store: FileObjectStore;
  readonly #temporary: TemporaryFiles;
  readonly #verify: boolean;
  readonly #verified = new LRUCache<string, true>({ max: mostVerified });

  /** @param options.verify hash blobs that are there, and bring damaged ones anew */
  constructor(path: string, { verify = false }: { readonly verify?: boolean } = {}) {
    this.path = resolve(path);
    this.store = createFileObjectStore(this.path);
    this.#temporary = new TemporaryFiles(join(this.path, '.tmp'));
    this.#verify = verify;
  }

  /**
   * Runs work while no other export writes to the directory, which is made when it is missing.
   *
   * @throws OciError `STORAGE_FAILED` when another one does, `USAGE` when it is the directory of something else
   */
  async held<T>(work: () => Promise<T>): Promise<T> {
    await onStorage({ path: this.path }, () => mkdir(this.path, { recursive: true }));
    await this.#refuseOthers();
    const lock = join(this.path, exportPaths.lock);
    const options = { patienceMs: 0, trash: temporaryBeside(lock) };
    let hasBegun = false;
    const begin = (): Promise<T> => {
      hasBegun = true;
      return work();
    };
    return withFileLock(lock, begin, options).catch((error: unknown) => {
      if (hasBegun || !isOciError(error, 'STORAGE_FAILED') || error.cause) throw error;
      throw new OciError('STORAGE_FAILED', `another export writes to ${this.path}`, {
        cause: error,
        hint: 'Wait until it has ended, or name another directory.',
      });
    });
  }

  /** Files of others are never among those of an export. */
  async #refuseOthers(): Promise<void> {
    if (await this.readMark()) return;
    const names = await onStorage({ path: this.path }, () => readdir(this.path));
    if (names.every((name) => name.startsWith('.'))) return;
    throw new OciError('USAGE', `${this.path} is not empty, and no export`, {
      hint: 'Name an empty directory, or one that oci-server export wrote to.',
    });
  }

  /** @throws OciError `DOCUMENT_INVALID` */
  async readMark(): Promise<ExportMark | undefined> {
    const bytes = await readContained(this.path, exportPaths.mark, maxMarkBytes);
    return bytes && parseMark(bytes, join(this.path, exportPaths.mark));
  }

  writeMark(mark: ExportMark): Promise<void> {
    return this.#replace(exportPaths.mark, Buffer.from(`${JSON.stringify(mark, undefined, 2)}\n`));
  }

  async hasBlob(content: Content, options: CallOptions = {}): Promise<boolean> {
    const key = exportPaths.blob(content.digest);
    const info = await this.store.head(key);
    if (info?.size !== content.size) return false;
    return !this.#verify || this.#verified.has(content.digest) || this.#isIntact(content, options);
  }

  async writeBlob(
    content: Content,
    body: AsyncIterable<Uint8Array>,
    options: CallOptions = {},
  ): Promise<void> {
    await this.store.put(exportPaths.blob(content.digest), verified(body, content), options);
    this.#verified.set(content.digest, true);
  }

  async #isIntact(content: Content, options: CallOptions): Promise<boolean> {
    const object = await this.store.get(exportPaths.blob(content.digest), options);
    if (!object) return false;
    try {
      for await (const chunk of verified(object.body, content)) void chunk;
    } catch (error) {
      // What cannot be read is written anew, too.
      if (isOciError(error, 'ABORTED')) throw error;
      return false;
    }
    this.#verified.set(content.digest, true);
    return true;
  }

  readIndex(name: RepositoryName): Promise<ExportIndex | undefined> {
    return readIndex(this.path, `${exportPaths.layout(name)}/index.json`);
  }

  /** Makes a repository what an index says. */
  async writeIndex(name: RepositoryName, index: ExportIndex): Promise<void> {
    const layout = exportPaths.layout(name);
    const path = join(this.path, layout);
    await onStorage({ path }, () => makeDirectoryBelow(this.path, layout));
    // As the layout's own directory of blobs, for tools; a file system without links does without.
    const blobs = posix.relative(layout, 'blobs');
    await onStorage({ path }, () =>
      symlink(blobs, join(path, 'blobs'), 'dir').catch((error: unknown) => {
        if (!hasCode(error, 'EEXIST', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS')) throw error;
      }),
    );
    await this.#replace(`${layout}/oci-layout`, Buffer.from(layoutHeader));
    await this.#replace(`${layout}/index.json`, formatIndex(index));
  }

  #replace(relative: string, content: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
    const path = join(this.path, relative);
    const options = { temporaryFiles: this.#temporary, sync: 'name' } as const;
    return onStorage({ path }, () => replaceFile(path, content, options));
  }

  /** Names in a directory of the export; none when it is missing. */
  async names(relative: string): Promise<readonly string[]> {
    const path = join(this.path, relative);
    return onStorage({ path }, async () => (await readdir(path).catch(unlessMissing)) ?? []);
  }
}
