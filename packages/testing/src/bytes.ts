export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** All bytes of a body, joined. */
export async function collect(
  body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}

/** The bytes in pieces of the given sizes, which repeat; without sizes in one piece. */
export async function* inChunks(
  bytes: Uint8Array,
  ...sizes: readonly number[]
): AsyncGenerator<Uint8Array, void, undefined> {
  let offset = 0;
  for (let turn = 0; offset < bytes.byteLength; turn += 1) {
    const size = Math.max(1, sizes[turn % sizes.length] ?? bytes.byteLength);
    yield bytes.subarray(offset, offset + size);
    offset += size;
  }
}

/** Bytes that look random and are the same for the same seed, on every machine (mulberry32). */
export function randomBytes(seed: number, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  let state = seed >>> 0;
  for (let offset = 0; offset < size; offset += 4) {
    state = (state + 0x6d2b79f5) >>> 0;
    let word = Math.imul(state ^ (state >>> 15), state | 1);
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
    word = (word ^ (word >>> 14)) >>> 0;
    if (offset + 4 <= size) view.setUint32(offset, word, true);
    else
      for (let rest = offset; rest < size; rest += 1) bytes[rest] = word >>> (8 * (rest - offset));
  }
  return bytes;
}
