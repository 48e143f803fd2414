import { maxManifestSize } from '@oci/spec-types';
import { readBytes } from '@oci/spec-types/node';

/** The largest record is the descriptor of a referrer, with the annotations of its manifest. */
const maxRecordBytes = 2 * maxManifestSize;

export async function* bytes(content: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  if (content.byteLength > 0) yield content;
}

/** Parses a record that this server wrote. A damaged one counts as missing, so that a push writes it again. */
export async function readJson(body: AsyncIterable<Uint8Array>, key: string): Promise<unknown> {
  const text = (await readBytes(body, { limit: maxRecordBytes, what: key })).toString('utf8');
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
