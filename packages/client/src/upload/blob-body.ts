import { createReadStream } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { isMissing, storageFailure } from '@oci/files';
import { OciError, singleChunk } from '@oci/spec-types';
import { quoted } from '@oci/spec-types/text';

/** Content that can be read again from any of its bytes: an upload that broke goes on where it broke. */
export interface BlobBody {
  /** The bytes from `offset` to the end; 0 up to the size. Called again for each new beginning. */
  open(offset: number): AsyncIterable<Uint8Array>;
}

/** Content that can be read again from its first byte only. */
export interface RepeatableBody extends AsyncIterable<Uint8Array> {
  /** Each iteration gives all of the bytes. */
  readonly isRepeatable: true;
  /**
   * True for content that verifies itself: an iteration fails, at its end at the latest, when its bytes are not what
   * the descriptor says. An upload counts such bytes and does not hash them again; the registry does.
   */
  readonly isVerified?: boolean | undefined;
}

/** A file of this system. */
interface FileBody {
  readonly file: string;
}

/** What an upload reads from; an iterable or a stream that is not said to be repeatable can be read once. */
export type UploadContent =
  | Uint8Array
  | AsyncIterable<Uint8Array>
  | ReadableStream<Uint8Array>
  | BlobBody
  | RepeatableBody
  | FileBody
  /** Of a file, `file:`. */
  | URL;

/** Content in one of the two ways in which it is read. */
export type UploadBody = AsyncIterable<Uint8Array> | BlobBody;

/** Makes content readable. @throws OciError `USAGE` for what is none */
export function bodyOf(content: UploadContent): UploadBody {
  if (content instanceof Uint8Array) return bytesBody(content);
  if (content instanceof URL && content.protocol === 'file:')
    return fileBody(fileURLToPath(content));
  if (typeof content === 'object' && content !== null) {
    if (Symbol.asyncIterator in content) return content as AsyncIterable<Uint8Array>;
    if ('open' in content && typeof content.open === 'function') return content;
    if ('file' in content && typeof content.file === 'string') return fileBody(content.file);
  }
  throw new OciError('USAGE', `${quoted(content)} is no content of a blob`, {
    hint: 'Give bytes, an async iterable or a stream of bytes, { file } or a file: URL.',
  });
}

function bytesBody(bytes: Uint8Array): BlobBody {
  return { open: (offset) => singleChunk(bytes.subarray(offset)) };
}

function fileBody(path: string): BlobBody {
  return {
    async *open(start) {
      try {
        yield* createReadStream(path, { start, highWaterMark: 1024 * 1024 });
      } catch (error) {
        throw isMissing(error) ? noFile(path, error) : storageFailure(error, { path });
      }
    },
  };
}

function noFile(path: string, cause: unknown): OciError {
  return new OciError('USAGE', `there is no file ${quoted(path)}`, {
    cause,
    hint: 'Give the path of a file.',
  });
}

/** Whether what was read can be had again. */
export function canReadAgain(content: UploadBody): boolean {
  return !isIterable(content) || ('isRepeatable' in content && content.isRepeatable === true);
}

/** Whether the content fails by itself where it is wrong. */
export function verifiesItself(content: UploadBody): boolean {
  return canReadAgain(content) && 'isVerified' in content && content.isVerified === true;
}

/** The bytes from `offset`, or from a place before it, `start`. */
export function readFrom(
  content: UploadBody,
  offset: number,
): { readonly bytes: AsyncIterable<Uint8Array>; readonly start: number } {
  if (isIterable(content)) return { bytes: content, start: 0 };
  return { bytes: content.open(offset), start: offset };
}

/** A file stream has an `open` of its own, so what can be iterated is an iterable. */
function isIterable(content: UploadBody): content is AsyncIterable<Uint8Array> {
  return Symbol.asyncIterator in content;
}
