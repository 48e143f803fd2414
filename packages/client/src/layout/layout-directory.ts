import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';

import {
  type BlobDownloader,
  type CallOptions,
  type Descriptor,
  OciError,
  throwIfAborted,
} from '@oci/spec-types';
import { onStorage, syncFile, withDirectoryBelow } from '@oci/files';

import { discardPartial } from '../download/partial-file.js';
import { DirectoryStorage, createLayout, isLayout } from './directory-storage.js';
import { LayoutRepository } from './layout-repository.js';
import { dropAbandoned, withResumable } from './resumable-file.js';

export interface LayoutDirectoryOptions {
  /** Begins a layout where there is nothing, or an empty directory; default false. */
  readonly create?: boolean | undefined;
}

/** A smaller blob is not worth to be gone on with, and nobody has to wait for who downloads it too. Bytes. */
const resumableFrom = 2 * 1024 * 1024;

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
  /** The path without symbolic links: equal for all ways to one directory. */
  readonly realPath: string;
  readonly #storage: DirectoryStorage;
  #dropped: Promise<void> | undefined;

  private constructor(path: string, realPath: string, storage: DirectoryStorage) {
    super(storage);
    this.path = path;
    this.realPath = realPath;
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
    const real = await onStorage({ path: absolute }, () => realpath(absolute));
    return new LayoutDirectory(absolute, real, new DirectoryStorage(absolute));
  }

  async takeBlob(
    descriptor: Descriptor,
    downloader: BlobDownloader,
    options: CallOptions = {},
  ): Promise<boolean> {
    throwIfAborted(options.signal);
    const { digest, size } = descriptor;
    const take = async (path: string): Promise<void> => {
      await downloader.downloadBlob(descriptor, path, options);
      await syncFile(path);
      await this.#storage.keep(path, digest);
    };
    return onStorage({ path: this.path, neededBytes: size }, async () => {
      if (size < resumableFrom) {
        await this.#storage.withTemporary((path) =>
          take(path).catch(async (error: unknown) => {
            await discardPartial(path);
            throw error;
          }),
        );
        return true;
      }
      return withDirectoryBelow(this.path, '.partial', async (directory) => {
        this.#dropped ??= dropAbandoned(directory);
        await this.#dropped;
        return withResumable(directory, digest, take);
      });
    });
  }
}
