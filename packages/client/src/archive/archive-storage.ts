import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

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
import { isMissing, onStorage, refuseDirectory, syncDirectory, temporaryBeside } from '@oci/files';
import { readBytes } from '@oci/spec-types/node';

import {
  type LayoutIndex,
  emptyLayoutIndex,
  formatLayoutIndex,
  maxLayoutIndexSize,
  parseLayoutIndex,
} from '../layout/layout-index.js';
import type { LayoutStorage } from '../layout/layout-storage.js';
import { type TarFile, readTarDirectory } from './tar-directory.js';
import { invalidArchive, padding, tarBlock, tarHeader } from './tar-header.js';

/** Bytes that are read at once. */
const chunkSize = 256 * 1024;

/**
 * A layout in a tar. Its content is read where it lies; new content is appended, one after the other,
 * to a file beside the final one, and `index.json` comes last.
 */
export class ArchiveStorage implements LayoutStorage {
  readonly name: string;
  readonly #file: FileHandle;
  readonly #files: Map<string, TarFile | 'link'>;
  #index: LayoutIndex;
  /** Where the file is while it is written; undefined for one that is only read. */
  #writing: { readonly path: string; end: number } | undefined;
  #turn: Promise<void> = Promise.resolve();

  private constructor(
    name: string,
    file: FileHandle,
    files: ReadonlyMap<string, TarFile | 'link'>,
  ) {
    this.name = name;
    this.#file = file;
    this.#files = new Map(files);
    this.#index = emptyLayoutIndex;
  }

  /** @throws OciError `NAME_UNKNOWN`, `ARCHIVE_INVALID`, `ARCHIVE_UNSAFE`, `DOCUMENT_INVALID` */
  static open(path: string): Promise<ArchiveStorage> {
    return onStorage({ path }, async () => {
      const file = await open(path, 'r').catch((error: unknown) => {
        if (!isMissing(error)) throw error;
        throw new OciError('NAME_UNKNOWN', `there is no archive at ${path}`, {
          hint: 'Check the path; a copy to it makes one.',
        });
      });
      try {
        const storage = new ArchiveStorage(path, file, await readTarDirectory(file));
        await storage.#readLayout();
        return storage;
      } catch (error) {
        await file.close();
        throw error;
      }
    });
  }

  static create(path: string): Promise<ArchiveStorage> {
    return onStorage({ path }, async () => {
      await refuseDirectory(path);
      const temporary = temporaryBeside(path);
      const storage = new ArchiveStorage(path, await open(temporary, 'wx+', 0o644), new Map());
      storage.#writing = { path: temporary, end: 0 };
      try {
        await storage.#append('oci-layout', Buffer.from(layoutHeader));
        return storage;
      } catch (error) {
        await storage.close();
        throw error;
      }
    });
  }

  async sizeOf(digest: Digest): Promise<number | undefined> {
    return this.#find(blobName(digest))?.size;
  }

  async *read(
    digest: Digest,
    { signal }: CallOptions,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const found = this.#find(blobName(digest));
    if (!found) throw new OciError('BLOB_UNKNOWN', `${this.name} does not hold ${digest}`);
    for await (const chunk of this.#content(found)) {
      throwIfAborted(signal);
      yield chunk;
    }
  }

  async write({ digest, size }: Descriptor, body: AsyncIterable<Uint8Array>): Promise<void> {
    await this.#inTurn(async () => {
      // Another push of it may have been first.
      if (this.#find(blobName(digest))?.size !== size)
        await this.#append(blobName(digest), body, size);
    });
  }

  async readIndex(): Promise<LayoutIndex> {
    return this.#index;
  }

  async updateIndex(change: (index: LayoutIndex) => LayoutIndex): Promise<void> {
    if (!this.#writing) throw this.#unsupported('the archive was opened to be read');
    this.#index = change(this.#index);
  }

  /** Completes the file and puts it in its place. */
  async finish(): Promise<void> {
    await this.#inTurn(async () => {
      const writing = this.#writing;
      if (!writing) return;
      await this.#append('index.json', formatLayoutIndex(this.#index));
      await this.#file.write(new Uint8Array(2 * tarBlock), 0, 2 * tarBlock, writing.end);
      await this.#file.sync();
      await rename(writing.path, this.name);
      await syncDirectory(dirname(this.name));
      this.#writing = undefined;
    });
  }

  /** What was not finished is gone. */
  async close(): Promise<void> {
    await this.#turn.catch(() => {});
    await this.#file.close();
    if (this.#writing) await rm(this.#writing.path, { force: true });
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#turn.catch(() => {}).then(() => onStorage({ path: this.name }, work));
    this.#turn = turn;
    // Whoever asked for it hears of a failure; the next has its own.
    turn.catch(() => {});
    return turn;
  }

  async #append(
    name: string,
    body: Uint8Array | AsyncIterable<Uint8Array>,
    size = body instanceof Uint8Array ? body.byteLength : 0,
  ): Promise<void> {
    const writing = this.#writing;
    if (!writing) throw this.#unsupported('the archive was opened to be read');
    const start = writing.end;
    let at = start;
    const put = async (bytes: Uint8Array): Promise<void> => {
      for (let done = 0; done < bytes.byteLength;) {
        const left = bytes.byteLength - done;
        const { bytesWritten } = await this.#file.write(bytes, done, left, at + done);
        done += bytesWritten;
      }
      at += bytes.byteLength;
    };
    try {
      await put(tarHeader(name, size));
      const offset = at;
      if (body instanceof Uint8Array) await put(body);
      else for await (const chunk of body) await put(chunk);
      await put(padding(size));
      this.#files.set(name, { offset, size });
      writing.end = at;
    } catch (error) {
      await this.#file.truncate(start);
      throw error;
    }
  }

  async #readLayout(): Promise<void> {
    const header = await this.#document('oci-layout', 1024);
    if (!header) {
      throw new OciError('DOCUMENT_INVALID', `${this.name} holds no OCI image layout`, {
        hint: 'It has no oci-layout file; an archive of docker save before version 25 is none.',
      });
    }
    parseLayoutHeader(header);
    const index = await this.#document('index.json', maxLayoutIndexSize);
    this.#index = index ? parseLayoutIndex(index) : emptyLayoutIndex;
  }

  async #document(name: string, most: number): Promise<Uint8Array | undefined> {
    const found = this.#find(name);
    if (!found) return undefined;
    if (found.size > most) {
      throw new OciError('LIMIT_EXCEEDED', `the ${name} of ${this.name} has ${found.size} bytes`);
    }
    return readBytes(this.#content(found), { limit: most, what: `the ${name} of ${this.name}` });
  }

  /** @throws OciError `ARCHIVE_UNSAFE` for a link, which might lead anywhere */
  #find(name: string): TarFile | undefined {
    const found = this.#files.get(name);
    if (found !== 'link') return found;
    throw new OciError('ARCHIVE_UNSAFE', `${name} in ${this.name} is a link, or no file`, {
      hint: 'A layout holds its content as files: make the archive again.',
    });
  }

  async *#content({ offset, size }: TarFile): AsyncGenerator<Uint8Array, void, undefined> {
    for (let done = 0; done < size;) {
      const most = Math.min(chunkSize, size - done);
      const { buffer, bytesRead } = await this.#file.read(
        Buffer.allocUnsafe(most),
        0,
        most,
        offset + done,
      );
      if (bytesRead === 0) throw invalidArchive('it was cut short while it was read');
      done += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }

  #unsupported(why: string): OciError {
    return new OciError('UNSUPPORTED', `${this.name} can't be changed: ${why}`);
  }
}

function blobName(digest: Digest): string {
  return `blobs/${digestAlgorithm(digest)}/${digestEncoded(digest)}`;
}
