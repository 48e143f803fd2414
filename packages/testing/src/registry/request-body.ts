import type { IncomingMessage } from 'node:http';

/** What came of a request's body, and whether that is all of it. */
export interface RequestBody {
  readonly bytes: Uint8Array;
  readonly complete: boolean;
}

/** Reads a body to its end, to the break of the connection, or to `limit` bytes. */
export async function readRequestBody(
  incoming: IncomingMessage,
  limit: number = Infinity,
): Promise<RequestBody> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of incoming.iterator({
      destroyOnReturn: false,
    }) as AsyncIterable<Uint8Array>) {
      chunks.push(chunk.subarray(0, limit - size));
      size += chunk.byteLength;
      if (size >= limit) break;
    }
  } catch {
    return { bytes: joined(chunks), complete: false };
  }
  return { bytes: joined(chunks), complete: size < limit && incoming.complete };
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(chunks));
}
