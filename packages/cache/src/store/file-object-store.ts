import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, link, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

import { type ByteRange, type CallOptions, throwIfAborted } from '@oci/spec-types';
import {
  TemporaryFiles,
  hasCode,
  makeDirectoryBelow,
  onStorage,
  readNote,
  refuseLinks,
  syncDirectory,
  syncFile,
  unlessMissing,
  withFileLock,
  writeNote,
} from '@oci/files';

import { DirectoryNames } from './directory-names.js';
import { readFilePart } from './file-part.js';
import { infoOf, nextTimestamp } from './file-version.js';
import { KeyTurns } from './key-turns.js';
import { keysBelow, namesIn } from './key-walk.js';
import { missingPart } from './missing-part.js';
import { ensureObjectKey } from './object-key.js';
import type {
  ListedObject,
  ObjectInfo,
  ObjectStore,
  PutCondition,
  StoredObject,
} from './object-store.js';

export interface FileObjectStoreOptions {
  /** Write through to the disk before an object counts as stored. Default true. */
  readonly fsync?: boolean | undefined;
  /** Nothing else changes objects, so that conditions need no lock on the disk, and lists may be kept. Default false. */
  readonly isExclusive?: boolean | undefined;
}

/** Objects as files below a directory, the key as path. */
export class FileObjectStore implements ObjectStore {
  readonly isExclusive: boolean;
  readonly #dir: string;
  readonly #fsync: boolean;
  readonly #temporary: TemporaryFiles;
  readonly #turns: KeyTurns | undefined;
  readonly #names: DirectoryNames;

  constructor(dir: string, options: FileObjectStoreOptions = {}) {
    this.isExclusive = options.isExclusive ?? false;
    this.#dir = dir;
    this.#fsync = options.fsync ?? true;
    this.#temporary = new TemporaryFiles(join(dir, '.tmp'));
    this.#turns = this.isExclusive ? new KeyTurns() : undefined;
    this.#names = new DirectoryNames((directory) => namesIn(join(dir, directory)), {
      isExclusive: this.isExclusive,
    });
  }

  /** Where an object is, or would be. */
  pathOf(key: string): string {
    return join(this.#dir, ensureObjectKey(key));
  }

  /** Where the lock of a name is, for `withFileLock`. */
  lockPath(name: string): string {
    const path = join(this.#dir, '.locks', name);
    refuseLinks(this.#dir, path);
    return path;
  }

  async head(key: string): Promise<ObjectInfo | undefined> {
    const path = this.pathOf(key);
    return onStorage({ path }, async () => {
      const info = await stat(path, { bigint: true }).catch(unlessMissing);
      return info?.isFile() ? infoOf(info) : undefined;
    });
  }

  async get(
    key: string,
    options: CallOptions & { readonly range?: ByteRange | undefined } = {},
  ): Promise<StoredObject | undefined> {
    const path = this.pathOf(key);
    throwIfAborted(options.signal);
    return onStorage({ path }, async () => {
      // A pipe would be waited for at its opening.
      const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(unlessMissing);
      if (!file) return undefined;
      const info = await file.stat({ bigint: true });
      if (!info.isFile()) {
        await file.close();
        return undefined;
      }
      const end = Math.min(options.range?.last ?? Infinity, Number(info.size) - 1);
      const start = options.range?.first ?? 0;
      const object = infoOf(info);
      const part = { path, version: object.version, start, end, signal: options.signal };
      return { info: object, body: readFilePart(file, part) };
    });
  }

  async put(
    key: string,
    body: AsyncIterable<Uint8Array>,
    options: CallOptions & { readonly condition?: PutCondition | undefined } = {},
  ): Promise<ObjectInfo | undefined> {
    const path = this.pathOf(key);
    throwIfAborted(options.signal);
    return this.#aside(path, async (temporary) => {
      await this.#write(temporary, body, options.signal);
      await this.#makeDirectory(dirname(path));
      return this.#publish(temporary, { key, path, condition: options.condition });
    });
  }

  async *list(
    prefix: string,
    options: CallOptions & { readonly after?: string | undefined } = {},
  ): AsyncGenerator<string, void, undefined> {
    const start = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    for await (const key of keysBelow(this.#names, start, { prefix, ...options })) {
      throwIfAborted(options.signal);
      yield key;
    }
  }

  async *entries(
    prefix: string,
    options: CallOptions & { readonly after?: string | undefined } = {},
  ): AsyncGenerator<ListedObject, void, undefined> {
    for await (const key of this.list(prefix, options)) {
      const info = await this.head(key);
      if (info) yield { key, ...info };
    }
  }

  async delete(key: string): Promise<void> {
    const path = this.pathOf(key);
    refuseLinks(this.#dir, path);
    await onStorage({ path }, () => this.#changing(path, () => rm(path, { force: true })));
  }

  async deleteVersion(key: string, version: string): Promise<boolean> {
    const path = this.pathOf(key);
    return onStorage({ path }, () =>
      this.#locked(key, async (ensureHeld) => {
        if ((await this.head(key))?.version !== version) return false;
        await ensureHeld();
        await this.delete(key);
        return true;
      }),
    );
  }

  async join(
    keys: readonly string[],
    target: string,
    { signal }: CallOptions = {},
  ): Promise<ObjectInfo> {
    throwIfAborted(signal);
    const path = this.pathOf(target);
    const [only, ...others] = keys;
    const info = await this.#aside(path, async (temporary) => {
      if (only !== undefined && others.length === 0) {
        if (!(await this.#linkOrRename(this.pathOf(only), temporary).catch(unlessMissing)))
          throw missingPart(only);
      } else {
        await this.#write(temporary, this.#concatenate(keys), signal);
      }
      await this.#makeDirectory(dirname(path));
      return this.#replace(temporary, path);
    });
    for (const key of keys) await this.delete(key);
    return info;
  }

  /** Makes a file of the same file system an object, in place of any that is there. The file is gone afterwards. */
  async adopt(
    file: string,
    key: string,
  ): Promise<{ readonly info: ObjectInfo; readonly replaced: ObjectInfo | undefined }> {
    const path = this.pathOf(key);
    return onStorage({ path }, async () => {
      if (this.#fsync) await syncFile(file);
      await this.#makeDirectory(dirname(path));
      const replaced = await this.head(key);
      const info = await this.#replace(file, path);
      // To rename one of two links to a file as the other does nothing.
      await this.#changing(file, () => rm(file, { force: true }));
      return { info, replaced };
    });
  }

  /** Writes a small text that may be lost, or torn, with the process or the power: no more than a note. */
  async note(key: string, text: string): Promise<void> {
    const path = this.pathOf(key);
    await onStorage({ path }, () =>
      this.#changing(path, () => writeNote({ root: this.#dir, path }, text)),
    );
  }

  /** What {@link note} wrote. */
  async readNote(key: string): Promise<string | undefined> {
    const path = this.pathOf(key);
    return onStorage({ path }, () => readNote(path));
  }

  /** Runs work on a temporary path, where nothing is left afterwards. */
  async #aside<T>(path: string, work: (temporary: string) => Promise<T>): Promise<T> {
    return onStorage({ path }, async () => {
      const temporary = await this.#temporary.create();
      try {
        return await work(temporary);
      } finally {
        await rm(temporary, { force: true });
      }
    });
  }

  async #write(
    path: string,
    body: AsyncIterable<Uint8Array>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const file = await open(path, 'wx', 0o644);
    try {
      for await (const chunk of body) {
        throwIfAborted(signal);
        await writeAll(file, chunk);
      }
      const writtenAt = nextTimestamp();
      await file.utimes(writtenAt, writtenAt);
      if (this.#fsync) await file.sync();
    } finally {
      await file.close();
    }
  }

  async #publish(
    temporary: string,
    { key, path, condition }: { key: string; path: string; condition: PutCondition | undefined },
  ): Promise<ObjectInfo | undefined> {
    if (condition && 'ifVersion' in condition) {
      return this.#locked(key, async (ensureHeld) => {
        const current = await this.head(key);
        if (current?.version !== condition.ifVersion) return undefined;
        await ensureHeld();
        return this.#replace(temporary, path);
      });
    }
    if (!condition) return this.#replace(temporary, path);
    const info = infoOf(await stat(temporary, { bigint: true }));
    if (!(await this.#linkOrRename(temporary, path, key))) return undefined;
    await this.#syncDirectory(path);
    return info;
  }

  /** Runs work while no other compares the version of an object and changes it. */
  #locked<T>(key: string, work: (ensureHeld: () => Promise<void>) => Promise<T>): Promise<T> {
    if (this.#turns) return this.#turns.take(key, () => work(async () => {}));
    // One of a bounded number of locks: a lock's files are never removed.
    const name = createHash('sha256').update(key).digest('hex').slice(0, 2);
    return withFileLock(this.lockPath(name), (held) => work(() => held.ensure()));
  }

  async #replace(temporary: string, path: string): Promise<ObjectInfo> {
    const info = infoOf(await stat(temporary, { bigint: true }));
    await this.#changing(path, () => rename(temporary, path));
    await this.#syncDirectory(path);
    return info;
  }

  /** Gives a file its name, that of a key, unless the name is taken. @returns whether it was free */
  async #linkOrRename(from: string, to: string, key?: string): Promise<boolean> {
    try {
      await this.#changing(to, () => link(from, to));
      return true;
    } catch (error) {
      if (hasCode(error, 'EEXIST')) return false;
      if (!hasCode(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK')) throw error;
      // Some file systems have no hard links.
      const renameUnlessTaken = async (): Promise<boolean> => {
        if (await stat(to).catch(unlessMissing)) return false;
        await this.#changing(to, () => rename(from, to));
        return true;
      };
      return key === undefined ? renameUnlessTaken() : this.#locked(key, renameUnlessTaken);
    }
  }

  /** Makes a directory, and its name durable. */
  async #makeDirectory(path: string): Promise<void> {
    const first = await this.#changing(path, () =>
      makeDirectoryBelow(this.#dir, relative(this.#dir, path)),
    );
    if (first === undefined) return;
    for (let made = path; made.length >= first.length; made = dirname(made))
      await this.#syncDirectory(made);
  }

  /** Runs work that adds or removes what is at a path. */
  #changing<T>(path: string, work: () => Promise<T>): Promise<T> {
    return this.#names.changing(relative(this.#dir, path), work);
  }

  /** A name is durable once its directory is. */
  async #syncDirectory(path: string): Promise<void> {
    if (this.#fsync) await syncDirectory(dirname(path));
  }

  async *#concatenate(keys: readonly string[]): AsyncGenerator<Uint8Array, void, undefined> {
    for (const key of keys) {
      const object = await this.get(key);
      if (!object) throw missingPart(key);
      yield* object.body;
    }
  }
}

export function createFileObjectStore(
  dir: string,
  options: FileObjectStoreOptions = {},
): FileObjectStore {
  return new FileObjectStore(dir, options);
}

async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let offset = 0; offset < chunk.byteLength;) {
    const { bytesWritten } = await file.write(chunk, offset);
    offset += bytesWritten;
  }
}
