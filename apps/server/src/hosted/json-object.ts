import { isOciError, maxManifestSize } from '@oci/spec-types';
import { readBytes } from '@oci/spec-types/node';

/** The largest record is the descriptor of a referrer, with the annotations of its manifest. */
const maxRecordBytes = 2 * maxManifestSize;

export async function* bytes(content: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  if (content.byteLength > 0) yield content;
}

/** Parses a record that this server wrote; undefined for one that is cut off, or longer than any is. */
export async function readJson(body: AsyncIterable<Uint8Array>, key: string): Promise<unknown> {
  const content = await readUpTo(maxRecordBytes, body, key);
  try {
    return content && JSON.parse(content.toString('utf8'));
  } catch {
    return undefined;
  }
}

/** Reads all bytes; undefined when there are more than `limit`. */
export async function readUpTo(
  limit: number,
  body: AsyncIterable<Uint8Array>,
  key: string,
): Promise<Buffer | undefined> {
  try {
    return await readBytes(body, { limit, what: key });
  } catch (error) {
    if (isOciError(error, 'LIMIT_EXCEEDED')) return undefined;
    throw error;
  }
}
