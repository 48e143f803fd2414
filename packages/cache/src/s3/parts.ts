import { throwIfAborted } from '@oci/spec-types';

/** Bytes that one request copies, at most; S3 allows 5 GiB. */
const copyBytes = 1024 * 1024 * 1024;

/** Pieces of one size but the last. */
export async function* inParts(
  body: AsyncIterable<Uint8Array>,
  size: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  let chunks: Uint8Array[] = [];
  let gathered = 0;
  for await (const chunk of body) {
    throwIfAborted(signal);
    for (let rest = chunk; rest.byteLength > 0;) {
      const taken = rest.subarray(0, size - gathered);
      rest = rest.subarray(taken.byteLength);
      // Whoever yields a chunk may use its memory again.
      chunks.push(Uint8Array.from(taken));
      gathered += taken.byteLength;
      if (gathered < size) continue;
      yield Buffer.concat(chunks);
      [chunks, gathered] = [[], 0];
    }
  }
  if (gathered > 0) yield Buffer.concat(chunks);
}

/** Ranges of at most `copyBytes`, none of which is too small for a part. */
export function spans(size: number): readonly { readonly first: number; readonly last: number }[] {
  const count = Math.max(1, Math.ceil(size / copyBytes));
  const each = Math.ceil(size / count);
  return Array.from({ length: count }, (_, at) => ({
    first: at * each,
    last: Math.min(size, (at + 1) * each) - 1,
  }));
}
