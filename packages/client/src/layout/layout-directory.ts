import { resolve } from 'node:path';

import {
  type BlobDownloader,
  type CallOptions,
  type Descriptor,
  OciError,
  throwIfAborted,
} from '@oci/spec-types';
import { onStorage } from '@oci/spec-types/node';

import { containedDirectory } from './contained-path.js';
import { DirectoryStorage, createLayout, isLayout } from './directory-storage.js';
import { LayoutRepository } from './layout-repository.js';
import { claimResumable, dropAbandoned, syncFile } from './resumable-file.js';

export interface LayoutDirectoryOptions {
  /** Begins a layout where there is nothing, or an empty directory; default false. */
  readonly create?: boolean | undefined;
}

/** A target that lets a source write a large blob to where it stays, in parallel and to be resumed. */
export interface DownloadTarget {
  /**
   * Stores a blob by `downloader`; what it got before it failed is gone on with the next time.
   *
   * @returns false while another download has the blob: then it has to be pushed
   */
  takeBlob(
    descriptor: Descriptor,
    downloader: BlobDownloader,
    options?: CallOptions,
  ): Promise<boolean>;
}

/**
 * An OCI image layout on disk (image-spec `image-layout.md`), which skopeo, oras, crane and regctl read
 * and write. Several processes may write to it at once.
 */
export class LayoutDirectory extends LayoutRepository implements DownloadTarget {
  /** Absolute. */
  readonly path: string;
  readonly #storage: DirectoryStorage;

  private constructor(path: string, storage: DirectoryStorage) {
    super(storage);
    this.path = path;
    this.#storage = storage;
  }

  /**
   * Opens a layout, or begins one.
   *
   * @throws OciError `NAME_UNKNOWN` where there is none, `DOCUMENT_INVALID` where something else is,
   * `POLICY_REFUSED` when its parts are not below it
   */
  static async open(path: string, options: LayoutDirectoryOptions = {}): Promise<LayoutDirectory> {
    const absolute = resolve(path);
    if (!(await isLayout(absolute))) {
      if (options.create !== true) {
        throw new OciError('NAME_UNKNOWN', `there is no OCI image layout at ${absolute}`, {
          hint: 'Check the path; a copy to it begins one.',
        });
      }
      await createLayout(absolute);
    }
    return new LayoutDirectory(absolute, new DirectoryStorage(absolute));
  }

  async takeBlob(
    descriptor: Descriptor,
    downloader: BlobDownloader,
    options: CallOptions = {},
  ): Promise<boolean> {
    throwIfAborted(options.signal);
    const { digest, size } = descriptor;
    return onStorage({ path: this.path, neededBytes: size }, async () => {
      const directory = await containedDirectory(this.path, '.partial');
      await dropAbandoned(directory);
      const file = await claimResumable(directory, digest);
      if (!file) return false;
      try {
        await downloader.downloadBlob(descriptor, file.path, options);
        await syncFile(file.path);
        await this.#storage.keep(file.path, digest);
        return true;
      } finally {
        await file.release();
      }
    });
  }
}
