const mask = (1n << 64n) - 1n;

function rotated(value: bigint, bits: bigint): bigint {
  return ((value << bits) | (value >> (64n - bits))) & mask;
}

/** SipHash-2-4 with a key of zeros, in hex, lowest byte first: kpm names the directories of registries by it. */
export function sipHash(bytes: Uint8Array): string {
  const state = new SipState();
  const whole = bytes.byteLength - (bytes.byteLength % 8);
  for (let at = 0; at < whole; at += 8) state.take(littleEndian(bytes.subarray(at, at + 8)));
  const rest = littleEndian(bytes.subarray(whole));
  state.take(rest | (BigInt(bytes.byteLength & 0xff) << 56n));
  const hash = Buffer.alloc(8);
  hash.writeBigUInt64LE(state.finish());
  return hash.toString('hex');
}

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

/** The four words of the algorithm, begun from the ASCII of "somepseudorandomlygeneratedbytes". */
class SipState {
  #a = 0x736f6d6570736575n;
  #b = 0x646f72616e646f6dn;
  #c = 0x6c7967656e657261n;
  #d = 0x7465646279746573n;

  take(word: bigint): void {
    this.#d ^= word;
    this.#round();
    this.#round();
    this.#a ^= word;
  }

  finish(): bigint {
    this.#c ^= 0xffn;
    for (let round = 0; round < 4; round += 1) this.#round();
    return this.#a ^ this.#b ^ this.#c ^ this.#d;
  }

  #round(): void {
    this.#a = (this.#a + this.#b) & mask;
    this.#b = rotated(this.#b, 13n) ^ this.#a;
    this.#a = rotated(this.#a, 32n);
    this.#c = (this.#c + this.#d) & mask;
    this.#d = rotated(this.#d, 16n) ^ this.#c;
    this.#a = (this.#a + this.#d) & mask;
    this.#d = rotated(this.#d, 21n) ^ this.#a;
    this.#c = (this.#c + this.#b) & mask;
    this.#b = rotated(this.#b, 17n) ^ this.#c;
    this.#c = rotated(this.#c, 32n);
  }
}
