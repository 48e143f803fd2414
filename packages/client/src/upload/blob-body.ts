/** Content that can be read again from any of its bytes: an upload that broke goes on where it broke. */
export interface BlobBody {
  /** The bytes from `offset` to the end; 0 up to the size. Called again for each new beginning. */
  open(offset: number): AsyncIterable<Uint8Array>;
}

/** What an upload reads from; an iterable can be read once. */
export type UploadContent = AsyncIterable<Uint8Array> | BlobBody;

/** A file stream has an `open` of its own, so what can be iterated is an iterable. */
export function canReopen(content: UploadContent): content is BlobBody {
  return !(Symbol.asyncIterator in content);
}
