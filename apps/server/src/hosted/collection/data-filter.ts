import { createHash, randomBytes } from 'node:crypto';

/** Bits for each name: one name of some thousand that are not in the filter seems to be. */
const bitsEach = 16;
const leastBits = 2 ** 16;
/** 64 MiB. */
const mostBits = 2 ** 29;

/**
 * Tells names of data that something refers to (a Bloom filter). A name that was added is always found; one that was
 * not seems to be there once in a while, and, as each filter has a salt of its own, not in the next filter.
 */
export class DataFilter {
  readonly #bits: Uint32Array;
  readonly #salt: Buffer = randomBytes(16);

  /** @param expected how many names will be added; more make it less sure, not larger */
  constructor(expected: number) {
    const wanted = 2 ** Math.ceil(Math.log2(Math.max(1, expected) * bitsEach));
    this.#bits = new Uint32Array(Math.min(mostBits, Math.max(leastBits, wanted)) / 32);
  }

  /** Bytes of memory. */
  get size(): number {
    return this.#bits.byteLength;
  }

  add(name: string): void {
    for (const place of this.#places(name)) {
      const [word, bit] = this.#at(place);
      this.#bits[word] = (this.#bits[word] ?? 0) | bit;
    }
  }

  has(name: string): boolean {
    return this.#places(name).every((place) => {
      const [word, bit] = this.#at(place);
      return ((this.#bits[word] ?? 0) & bit) !== 0;
    });
  }

  #places(name: string): readonly number[] {
    const hash = createHash('sha256').update(this.#salt).update(name).digest();
    return [0, 4, 8, 12, 16, 20, 24, 28].map((at) => hash.readUInt32LE(at));
  }

  #at(place: number): readonly [word: number, bit: number] {
    return [(place >>> 5) % this.#bits.length, 1 << (place & 31)];
  }
}
