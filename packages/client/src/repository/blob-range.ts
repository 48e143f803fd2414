import { type ByteRange, type Descriptor, OciError } from '@oci/spec-types';

/** Which bytes of a blob: from `start` up to, not with, `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** All of the blob without a range. @throws OciError `USAGE` for a range that is not within it */
export function spanOf({ digest, size }: Descriptor, range: ByteRange | undefined): Span {
  if (range === undefined) return { start: 0, end: size };
  const { first, last = size - 1 } = Object(range) as Partial<ByteRange>;
  if (isCount(first) && isCount(last) && first <= last && last < size)
    return { start: first, end: last + 1 };
  throw new OciError('USAGE', `${digest} has ${size} bytes, and no range ${first}-${last}`, {
    hint: 'A range is { first, last }, both within the blob; last may be left out.',
  });
}

/** Bytes of a part, which has no digest: all that can be seen of them is that none is missing. */
export async function* ofLength(
  body: AsyncIterable<Uint8Array>,
  { start, end }: Span,
  { digest }: Descriptor,
): AsyncGenerator<Uint8Array, void, undefined> {
  let missing = end - start;
  for await (const chunk of body) {
    missing -= chunk.byteLength;
    if (missing < 0) break;
    yield chunk;
  }
  if (missing === 0) return;
  throw new OciError('SIZE_MISMATCH', `bytes ${start}-${end - 1} of ${digest} did not come whole`, {
    hint: 'The registry or something on the way altered it. Try again.',
    retryable: true,
  });
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
