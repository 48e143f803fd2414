import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';

import {
  type Descriptor,
  type Digest,
  OciError,
  annotations,
  directoryAnnotations,
  mediaTypes,
  parseDigest,
  throwIfAborted,
} from '@oci/spec-types';
import { createFile, shownPath, storageFailure } from '@oci/files';

import { defaultExtractLimits } from '../extract/limits.js';
import { compressed, endOfTar, header, padding } from './archive.js';
import { PackedNames } from './packed-names.js';
import { type SourceNode, unreadable, walkSource } from './source-tree.js';

const { ratio, ratioFloorBytes } = defaultExtractLimits;

/** The form and place of a packed directory. */
export interface DirectoryArchive {
  /** Name of the directory for those who unpack it: a relative path with `/`. */
  readonly title: string;
  /** The new file that gets the archive. */
  readonly archivePath: string;
  /** Default: that of a gzip tar layer. */
  readonly mediaType?: string | undefined;
}

export interface PackDirectoryOptions {
  /** Of all files. Default 4 GiB. */
  readonly bytes?: number | undefined;
  /** Files, directories and links. Default 100 000. */
  readonly entries?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Packs a directory into one layer as ORAS does: a gzip tar whose names begin with the title, annotated so that
 * `oras pull` and `pullFiles` unpack it. The same content makes the same bytes. Symbolic links that stay
 * within the directory are kept.
 *
 * @returns the descriptor of the layer, whose bytes are at `archivePath`
 * @throws OciError `USAGE` for what could not be unpacked, `LIMIT_EXCEEDED`, `STORAGE_…`, `ABORTED`
 */
export async function packDirectory(
  directory: string,
  { title, archivePath, mediaType = mediaTypes.layerTarGzip }: DirectoryArchive,
  options: PackDirectoryOptions = {},
): Promise<Descriptor> {
  const tar = new Counted();
  const layer = new Counted();
  const content = layer.of(compressed(tar.of(tarOf(directory, title, options))));
  await createFile(archivePath, content, { mode: 0o600 }).catch((error: unknown) => {
    throw storageFailure(error, { path: archivePath });
  });
  if (tar.size > ratioFloorBytes && tar.size > ratio * layer.size) {
    await rm(archivePath, { force: true });
    throw tooDense(directory);
  }
  return {
    mediaType,
    digest: layer.digest(),
    size: layer.size,
    annotations: {
      [annotations.title]: title,
      [directoryAnnotations.digest]: tar.digest(),
      [directoryAnnotations.unpack]: 'true',
    },
  };
}

/** Hashes and counts the bytes of a stream. */
class Counted {
  readonly #hash = createHash('sha256');
  size = 0;

  async *of(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      this.#hash.update(chunk);
      this.size += chunk.byteLength;
      yield chunk;
    }
  }

  digest(): Digest {
    return parseDigest(`sha256:${this.#hash.digest('hex')}`);
  }
}

function tooDense(directory: string): OciError {
  return new OciError(
    'LIMIT_EXCEEDED',
    `${shownPath(directory)} packs to less than a ${ratio}th of its size`,
    { hint: 'An extraction refuses that as a decompression bomb. Leave out files of zeros.' },
  );
}

async function* tarOf(
  directory: string,
  title: string,
  { bytes, entries, signal }: PackDirectoryOptions,
): AsyncGenerator<Uint8Array> {
  const walk = {
    ignored: new Set<string>(),
    links: true,
    bytes: bytes ?? defaultExtractLimits.bytes,
    entries: entries ?? defaultExtractLimits.entries,
  };
  const names = new PackedNames(title);
  yield* header({ path: title, type: 'directory', size: 0, executable: true });
  for await (const node of walkSource(directory, walk)) {
    throwIfAborted(signal);
    names.add(node);
    yield* header({ ...node, path: `${title}/${node.path}` });
    if (node.type !== 'file') continue;
    yield* contentOf(directory, node, signal);
    yield padding(node.size);
  }
  names.finish();
  yield endOfTar;
}

/** Reads exactly the bytes that the header promised. */
async function* contentOf(
  directory: string,
  { path, size }: SourceNode,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  // A link or pipe that took the file's place is neither followed nor waited for.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(join(directory, path), flags).catch(unreadable(path));
  let read = 0;
  try {
    const stream = file.createReadStream({ highWaterMark: 1024 * 1024, autoClose: false });
    for await (const chunk of stream) {
      throwIfAborted(signal);
      read += (chunk as Buffer).byteLength;
      if (read > size) break;
      yield chunk as Buffer;
    }
  } finally {
    await file.close();
  }
  if (read === size) return;
  throw new OciError('USAGE', `${path} changed while it was being packed`, {
    hint: 'Push again when nothing writes to the directory.',
  });
}
