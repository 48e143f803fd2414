/** Content that can be read again from any of its bytes: an upload that broke goes on where it broke. */
export interface BlobBody {
  /** The bytes from `offset` to the end; 0 up to the size. Called again for each new beginning. */
  open(offset: number): AsyncIterable<Uint8Array>;
}

/** Content that can be read again from its first byte only. */
export interface RepeatableBody extends AsyncIterable<Uint8Array> {
  /** Each iteration gives all of the bytes. */
  readonly isRepeatable: true;
}

/** What an upload reads from; any other iterable can be read once. */
export type UploadContent = AsyncIterable<Uint8Array> | BlobBody | RepeatableBody;

/** Whether what was read can be had again. */
export function canReadAgain(content: UploadContent): boolean {
  return !isIterable(content) || ('isRepeatable' in content && content.isRepeatable);
}

/** The bytes from `offset`, or from a place before it, `start`. */
export function readFrom(
  content: UploadContent,
  offset: number,
): { readonly bytes: AsyncIterable<Uint8Array>; readonly start: number } {
  if (isIterable(content)) return { bytes: content, start: 0 };
  return { bytes: content.open(offset), start: offset };
}

/** A file stream has an `open` of its own, so what can be iterated is an iterable. */
function isIterable(content: UploadContent): content is AsyncIterable<Uint8Array> {
  return Symbol.asyncIterator in content;
}
