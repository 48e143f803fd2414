import { type Hash, createHash } from 'node:crypto';

import {
  type Descriptor,
  type Digest,
  type DigestAlgorithm,
  OciError,
  type ReadingOptions,
  type ResolvedManifest,
  parseDigest,
  parseManifest,
  verifiableAlgorithm,
} from '../index.js';

/** The digest of bytes that are at hand. */
export function digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm = 'sha256'): Digest {
  return parseDigest(`${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`);
}

/** Counts and hashes bytes as they pass, and says at their end whether they are what was promised. */
export class Verifier {
  readonly #descriptor: Pick<Descriptor, 'digest' | 'size'>;
  readonly #algorithm: DigestAlgorithm;
  readonly #hash: Hash;
  #size = 0;
  #finished = false;

  /** @throws OciError `DIGEST_UNSUPPORTED` */
  constructor(descriptor: Pick<Descriptor, 'digest' | 'size'>) {
    this.#descriptor = descriptor;
    this.#algorithm = verifiableAlgorithm(descriptor.digest);
    this.#hash = createHash(this.#algorithm);
  }

  /** Bytes so far. */
  get size(): number {
    return this.#size;
  }

  /** @throws OciError `SIZE_MISMATCH` as soon as there are too many bytes */
  update(chunk: Uint8Array): void {
    if (chunk.byteLength === 0) return;
    this.#size += chunk.byteLength;
    if (this.#size > this.#descriptor.size) {
      throw sizeMismatch(this.#descriptor, `more than ${this.#descriptor.size}`);
    }
    this.#hash.update(chunk);
  }

  /** Says that no more bytes come; once it succeeded it does nothing. @throws OciError `SIZE_MISMATCH`, `DIGEST_MISMATCH` */
  finish(): void {
    if (this.#finished) return;
    const { digest, size } = this.#descriptor;
    if (this.#size !== size) throw sizeMismatch(this.#descriptor, String(this.#size));
    const actual = parseDigest(`${this.#algorithm}:${this.#hash.digest('hex')}`);
    if (actual !== digest) throw digestMismatch(digest, actual);
    this.#finished = true;
  }
}

/** Passes bytes through and fails, at the latest behind the last one, when they are not the descriptor's. */
export async function* verified(
  body: AsyncIterable<Uint8Array>,
  descriptor: Pick<Descriptor, 'digest' | 'size'>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const verifier = new Verifier(descriptor);
  for await (const chunk of body) {
    if (chunk.byteLength === 0) continue;
    verifier.update(chunk);
    // The last bytes are checked before they are passed on: a consumer never has it all unverified.
    if (verifier.size === descriptor.size) verifier.finish();
    yield chunk;
  }
  verifier.finish();
}

/** @throws OciError `SIZE_MISMATCH`, `DIGEST_MISMATCH` */
export function verifyBytes(
  bytes: Uint8Array,
  descriptor: Pick<Descriptor, 'digest' | 'size'>,
): Uint8Array {
  const verifier = new Verifier(descriptor);
  verifier.update(bytes);
  verifier.finish();
  return bytes;
}

/**
 * The content that a descriptor carries in its `data`, verified (image-spec `descriptor.md`); undefined
 * when it carries none. It saves the fetch of small content, such as the empty config.
 *
 * @throws OciError `SIZE_MISMATCH`, `DIGEST_MISMATCH`, `DIGEST_UNSUPPORTED`
 */
export function embeddedContent(
  descriptor: Pick<Descriptor, 'data' | 'digest' | 'size'>,
): Uint8Array | undefined {
  if (descriptor.data === undefined) return undefined;
  return verifyBytes(Buffer.from(descriptor.data, 'base64'), descriptor);
}

/**
 * The proof that a manifest is what was asked for: its bytes match, then they are parsed.
 *
 * @throws OciError `SIZE_MISMATCH`, `DIGEST_MISMATCH`, `DOCUMENT_INVALID`, `UNSUPPORTED`
 */
export function verifyManifest(
  bytes: Uint8Array,
  descriptor: Descriptor,
  reading?: ReadingOptions,
): ResolvedManifest {
  verifyBytes(bytes, descriptor);
  const manifest = parseManifest(bytes, descriptor.mediaType, reading);
  return {
    ...manifest,
    descriptor: { ...descriptor, mediaType: manifest.mediaType },
    bytes,
  } as ResolvedManifest;
}

/**
 * The manifest that bytes are, when their digest is what we compute (a tag was asked for, or it is
 * about to be pushed).
 *
 * @throws OciError `DOCUMENT_INVALID`, `UNSUPPORTED`
 */
export function describeManifest(
  bytes: Uint8Array,
  servedAs?: string,
  reading?: ReadingOptions,
): ResolvedManifest {
  const manifest = parseManifest(bytes, servedAs, reading);
  const descriptor = {
    mediaType: manifest.mediaType,
    digest: digestOf(bytes),
    size: bytes.byteLength,
  };
  return { ...manifest, descriptor, bytes } as ResolvedManifest;
}

function digestMismatch(expected: Digest, actual: Digest): OciError {
  return new OciError(
    'DIGEST_MISMATCH',
    `the content is not what was asked for: expected ${expected}, got ${actual}`,
    {
      hint: 'The registry or something on the way altered it. Nothing was kept; try again, then check the registry.',
    },
  );
}

function sizeMismatch(expected: Pick<Descriptor, 'digest' | 'size'>, got: string): OciError {
  return new OciError(
    'SIZE_MISMATCH',
    `${expected.digest} has ${expected.size} bytes, got ${got}`,
    {
      hint: 'The registry or something on the way altered it. Nothing was kept; try again, then check the registry.',
    },
  );
}
