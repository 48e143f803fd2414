import { OciError } from '../index.js';

export interface ReadBytesOptions {
  /** Bytes at most. */
  readonly limit: number;
  /** Names the content in the error: `the index.json of layout/`. */
  readonly what: string;
}

/**
 * Reads a stream into memory, which grows with what arrives and not with what is announced.
 *
 * @throws OciError `LIMIT_EXCEEDED` at the first byte beyond the limit, and the stream's own failures
 */
export async function readBytes(
  body: AsyncIterable<Uint8Array>,
  { limit, what }: ReadBytesOptions,
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > limit) throw new OciError('LIMIT_EXCEEDED', `${what} has more than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}
