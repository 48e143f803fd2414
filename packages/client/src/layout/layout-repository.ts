import {
  type CallOptions,
  type Descriptor,
  type Digest,
  type ManifestDeleter,
  OciError,
  type ReferrerLister,
  type Repository,
  type ResolvedManifest,
  type Tag,
  type TagDeleter,
  artifactTypeOf,
  isDigest,
  isOciError,
  isTag,
  maxManifestSize,
  throwIfAborted,
  verifiableAlgorithm,
  singleChunk,
} from '@oci/spec-types';
import { describeManifest, readBytes, verified, verifyManifest } from '@oci/spec-types/node';
import { LRUCache } from 'lru-cache';

import {
  findName,
  nameOf,
  tagsOf,
  withManifest,
  withoutManifest,
  withoutTag,
  withoutUnnamed,
} from './layout-index.js';
import { LayoutReferrers } from './layout-referrers.js';
import type { LayoutStorage } from './layout-storage.js';

/** A layout as a repository: its tags are the names in `index.json`. Bytes are verified both ways. */
export class LayoutRepository implements Repository, ReferrerLister, ManifestDeleter, TagDeleter {
  readonly #storage: LayoutStorage;
  readonly #referrers: LayoutReferrers;
  /** How blobs looked of which the bytes were right. */
  readonly #intact = new LRUCache<Digest, string>({ max: 10_000 });

  constructor(storage: LayoutStorage) {
    this.#storage = storage;
    this.#referrers = new LayoutReferrers(storage, (digest, options) =>
      this.#manifest(digest, options),
    );
  }

  async resolve(tagOrDigest: string, options: CallOptions = {}): Promise<Descriptor> {
    throwIfAborted(options.signal);
    if (isDigest(tagOrDigest)) {
      const manifest = await this.#manifest(tagOrDigest, options);
      if (manifest) return manifest.descriptor;
    } else {
      const found = await this.findName(tagOrDigest);
      if (found) return found;
    }
    throw this.#unknown(tagOrDigest);
  }

  /** The manifest of any name in `index.json`, also of one that is no tag; undefined when there is none. */
  async findName(name: string): Promise<Descriptor | undefined> {
    const entry = findName(await this.#storage.readIndex(), name);
    return entry && plain(entry);
  }

  /** Everything that `index.json` lists, with its names, as it says it. */
  async entries(): Promise<readonly Descriptor[]> {
    return (await this.#storage.readIndex()).manifests;
  }

  /**
   * What is meant when no name is given: the only entry, or the only one that has a name.
   *
   * @throws OciError `MANIFEST_UNKNOWN`, `REFERENCE_INVALID`
   */
  async only(): Promise<Descriptor> {
    const entries = await this.entries();
    const named = entries.filter((entry) => nameOf(entry) !== undefined);
    const [entry, ...others] = entries.length > 1 ? named : entries;
    if (entry && others.every(({ digest }) => digest === entry.digest)) return plain(entry);
    const { name } = this.#storage;
    if (entries.length === 0)
      throw new OciError('MANIFEST_UNKNOWN', `${name} is empty`, {
        hint: 'Copy an artifact into it first.',
      });
    const names = named.slice(0, 8).map(nameOf).join(', ');
    throw new OciError('REFERENCE_INVALID', `${name} holds several artifacts`, {
      hint: names === '' ? 'Name one by its digest.' : `Name one of them: ${names}.`,
    });
  }

  /** Reads a manifest by its tag or digest, verified. */
  async fetch(tagOrDigest: string, options: CallOptions = {}): Promise<ResolvedManifest> {
    return this.fetchManifest(await this.resolve(tagOrDigest, options), options);
  }

  async fetchManifest(
    descriptor: Descriptor,
    options: CallOptions = {},
  ): Promise<ResolvedManifest> {
    const bytes = await this.#bytes(descriptor.digest, options);
    if (!bytes) throw this.#unknown(descriptor.digest);
    return verifyManifest(bytes, descriptor);
  }

  async fetchBlob(
    descriptor: Descriptor,
    options: CallOptions = {},
  ): Promise<AsyncIterable<Uint8Array>> {
    throwIfAborted(options.signal);
    const { digest } = descriptor;
    if ((await this.#storage.sizeOf(digest)) !== undefined)
      return verified(this.#storage.read(digest, options), descriptor);
    throw new OciError('BLOB_UNKNOWN', `${this.#storage.name} does not hold ${digest}`);
  }

  /**
   * Whether a blob is here and its bytes are right: who made the layout may have stored others. They are read once, and
   * again when the file was touched.
   */
  async hasBlob(descriptor: Descriptor, options: CallOptions = {}): Promise<boolean> {
    throwIfAborted(options.signal);
    const { digest, size } = descriptor;
    if ((await this.#storage.sizeOf(digest)) !== size) return false;
    const snapshot = await this.#storage.snapshot?.(digest);
    if (!this.#storage.snapshot || this.#intact.get(digest) === snapshot) return true;
    if (!(await this.#isIntact(descriptor, options))) return false;
    if (snapshot !== undefined) this.#intact.set(digest, snapshot);
    return true;
  }

  /**
   * Whether a blob is here and its bytes are right, for which all are read; what is damaged is removed, so
   * that a push brings it anew.
   */
  async hasIntactBlob(descriptor: Descriptor, options: CallOptions = {}): Promise<boolean> {
    throwIfAborted(options.signal);
    const { digest, size } = descriptor;
    if ((await this.#storage.sizeOf(digest)) !== size) return false;
    if (await this.#isIntact(descriptor, options)) return true;
    if (!this.#storage.remove)
      throw new OciError('DIGEST_MISMATCH', `${digest} in ${this.#storage.name} is damaged`);
    await this.#storage.remove(digest);
    return false;
  }

  async #isIntact(descriptor: Descriptor, options: CallOptions): Promise<boolean> {
    try {
      const body = this.#storage.read(descriptor.digest, options);
      for await (const chunk of verified(body, descriptor)) void chunk;
      return true;
    } catch (error) {
      if (isOciError(error, 'DIGEST_MISMATCH', 'SIZE_MISMATCH')) return false;
      throw error;
    }
  }

  async pushBlob(
    descriptor: Descriptor,
    body: AsyncIterable<Uint8Array>,
    options: CallOptions = {},
  ): Promise<void> {
    verifiableAlgorithm(descriptor.digest);
    if (await this.hasBlob(descriptor, options)) return;
    await this.#storage.write(descriptor, verified(untilAborted(body, options), descriptor));
    const snapshot = await this.#storage.snapshot?.(descriptor.digest);
    if (snapshot !== undefined) this.#intact.set(descriptor.digest, snapshot);
  }

  /**
   * Stores a manifest. Without a tag it is listed in `index.json` under no name, until an index that leads
   * to it comes.
   */
  async pushManifest(
    manifest: ResolvedManifest,
    { tag, ...options }: CallOptions & { readonly tag?: string | undefined } = {},
  ): Promise<Descriptor> {
    throwIfAborted(options.signal);
    const { mediaType, digest, size } = manifest.descriptor;
    const stored = await this.#bytes(digest, options).catch(() => undefined);
    if (!stored || Buffer.compare(stored, manifest.bytes) !== 0)
      await this.#storage.write(manifest.descriptor, singleChunk(manifest.bytes));
    const artifactType = manifest.document.subject && artifactTypeOf(manifest);
    const entry = { mediaType, digest, size, ...(artifactType !== undefined && { artifactType }) };
    const covered = await this.#coveredBy(manifest, options);
    await this.#storage.updateIndex((index) =>
      withoutUnnamed(withManifest(index, entry, tag), covered),
    );
    return manifest.descriptor;
  }

  async *listTags(options: CallOptions = {}): AsyncGenerator<Tag, void, undefined> {
    throwIfAborted(options.signal);
    yield* tagsOf(await this.#storage.readIndex());
  }

  listReferrers(
    subject: Pick<Descriptor, 'digest'>,
    options: CallOptions & { readonly artifactType?: string | undefined } = {},
  ): AsyncGenerator<Descriptor, void, undefined> {
    return this.#referrers.list(subject.digest, options);
  }

  async deleteManifest(descriptor: Descriptor, options: CallOptions = {}): Promise<void> {
    const { digest } = descriptor;
    await this.resolve(digest, options);
    if (!this.#storage.remove) {
      throw new OciError('UNSUPPORTED', `what is in ${this.#storage.name} stays in it`);
    }
    await this.#storage.updateIndex((index) => withoutManifest(index, digest));
    await this.#storage.remove(digest);
  }

  async deleteTag(tag: string, options: CallOptions = {}): Promise<void> {
    await this.resolve(tag, options);
    await this.#storage.updateIndex((index) => withoutTag(index, tag));
  }

  /** The manifest that a digest is; undefined when it is absent, damaged or none. */
  async #manifest(digest: Digest, options: CallOptions): Promise<ResolvedManifest | undefined> {
    const bytes = await this.#bytes(digest, options);
    if (!bytes) return undefined;
    const entry = (await this.#storage.readIndex()).manifests.find(
      (known) => known.digest === digest,
    );
    try {
      const { mediaType } = describeManifest(bytes, entry?.mediaType);
      return verifyManifest(bytes, { mediaType, digest, size: bytes.byteLength });
    } catch (error) {
      if (isOciError(error, 'DOCUMENT_INVALID', 'UNSUPPORTED', 'DIGEST_MISMATCH')) return undefined;
      throw error;
    }
  }

  /** @throws OciError `LIMIT_EXCEEDED` for what is too large for a manifest */
  async #bytes(digest: Digest, options: CallOptions): Promise<Uint8Array | undefined> {
    throwIfAborted(options.signal);
    const size = await this.#storage.sizeOf(digest);
    if (size === undefined) return undefined;
    if (size > maxManifestSize) {
      throw new OciError(
        'LIMIT_EXCEEDED',
        `${digest} has ${size} bytes, which is too much for a manifest`,
      );
    }
    return readBytes(this.#storage.read(digest, options), { limit: maxManifestSize, what: digest });
  }

  /** The entries of no name that are this index's children and nobody's referrers. */
  async #coveredBy(manifest: ResolvedManifest, options: CallOptions): Promise<ReadonlySet<Digest>> {
    if (manifest.kind !== 'index') return new Set();
    const children = new Set(manifest.document.manifests.map(({ digest }) => digest));
    const covered = new Set<Digest>();
    for (const entry of await this.entries()) {
      if (nameOf(entry) !== undefined || !children.has(entry.digest)) continue;
      const child = await this.#manifest(entry.digest, options);
      if (child && !child.document.subject) covered.add(entry.digest);
    }
    return covered;
  }

  #unknown(tagOrDigest: string): OciError {
    const { name } = this.#storage;
    return new OciError('MANIFEST_UNKNOWN', `${name} has no manifest ${tagOrDigest}`, {
      ...(isTag(tagOrDigest) && { hint: 'Its tags are the names in index.json.' }),
    });
  }
}

/** What a manifest is, without what `index.json` says of it. */
function plain({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}

async function* untilAborted(
  body: AsyncIterable<Uint8Array>,
  { signal }: CallOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of body) {
    throwIfAborted(signal);
    yield chunk;
  }
  throwIfAborted(signal);
}
