import { resolve } from 'node:path';

import { LayoutRepository } from '../layout/layout-repository.js';
import { ArchiveStorage } from './archive-storage.js';

/**
 * An OCI image layout in a tar (skopeo's `oci-archive:`): read where it lies, without unpacking, or
 * written in one pass. The same artifacts copied to it in the same order make the same bytes.
 */
export class LayoutArchive extends LayoutRepository implements AsyncDisposable {
  /** Absolute. */
  readonly path: string;
  readonly keepsOrder = true;
  readonly #storage: ArchiveStorage;

  private constructor(path: string, storage: ArchiveStorage) {
    super(storage);
    this.path = path;
    this.#storage = storage;
  }

  /**
   * Opens an archive to read it; it can't be changed.
   *
   * @throws OciError `NAME_UNKNOWN` where there is none, `ARCHIVE_INVALID`, `ARCHIVE_UNSAFE`,
   * `DOCUMENT_INVALID` for one that holds no layout
   */
  static async open(path: string): Promise<LayoutArchive> {
    const absolute = resolve(path);
    return new LayoutArchive(absolute, await ArchiveStorage.open(absolute));
  }

  /** Begins an archive, which {@link finish} puts at the path, in the place of what is there. */
  static async create(path: string): Promise<LayoutArchive> {
    const absolute = resolve(path);
    return new LayoutArchive(absolute, await ArchiveStorage.create(absolute));
  }

  /** Completes an archive that was begun; nothing can be added any more. */
  finish(): Promise<void> {
    return this.#storage.finish();
  }

  /** Closes the file. Of an archive that was begun and not finished nothing stays. */
  close(): Promise<void> {
    return this.#storage.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
