import { type Hash, createHash } from 'node:crypto';

import { type Digest, type DigestAlgorithm, digestAlgorithm, digestEncoded } from '@oci/spec-types';

/** The hash of an upload's bytes from its beginning on, kept by the process that they came through. */
export class UploadHash {
  readonly algorithm: DigestAlgorithm;
  readonly #hash: Hash;
  #bytes: number;

  private constructor(algorithm: DigestAlgorithm, hash: Hash, bytes: number) {
    this.algorithm = algorithm;
    this.#hash = hash;
    this.#bytes = bytes;
  }

  static begin(algorithm: DigestAlgorithm): UploadHash {
    return new UploadHash(algorithm, createHash(algorithm), 0);
  }

  /** Bytes that were hashed. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Another hash of the same bytes, for a piece that may break off. */
  copy(): UploadHash {
    return new UploadHash(this.algorithm, this.#hash.copy(), this.#bytes);
  }

  /** Passes bytes on, and hashes them. */
  async *through(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of body) {
      this.#hash.update(chunk);
      this.#bytes += chunk.byteLength;
      yield chunk;
    }
  }

  /** Tells whether the bytes have a digest of the same algorithm. Nothing can be added afterwards. */
  isOf(digest: Digest): boolean {
    return (
      digestAlgorithm(digest) === this.algorithm &&
      this.#hash.digest('hex') === digestEncoded(digest)
    );
  }
}
