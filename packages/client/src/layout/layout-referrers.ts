import {
  type CallOptions,
  type Descriptor,
  type Digest,
  OciError,
  type ResolvedManifest,
  artifactTypeOf,
  isIndexMediaType,
  isManifestMediaType,
  referrersTag,
  throwIfAborted,
} from '@oci/spec-types';
import { LRUCache } from 'lru-cache';

import { findName } from './layout-index.js';
import type { LayoutStorage } from './layout-storage.js';

/** Manifests that are looked at for one subject, at most. */
const mostManifests = 10_000;

interface Referrer {
  readonly subject: Digest;
  readonly descriptor: Descriptor;
}

/**
 * The referrers of a layout: entries of `index.json` whose manifests have the subject, as oras writes
 * them, and those that a referrers tag lists, as regctl does.
 */
export class LayoutReferrers {
  readonly #storage: LayoutStorage;
  readonly #manifest: (
    digest: Digest,
    options: CallOptions,
  ) => Promise<ResolvedManifest | undefined>;
  /** What each manifest refers to, which its digest fixes for good. */
  readonly #known = new LRUCache<Digest, { readonly referrer: Referrer | undefined }>({
    max: 10_000,
  });

  constructor(
    storage: LayoutStorage,
    manifest: (digest: Digest, options: CallOptions) => Promise<ResolvedManifest | undefined>,
  ) {
    this.#storage = storage;
    this.#manifest = manifest;
  }

  /** @throws OciError `LIMIT_EXCEEDED` */
  async *list(
    subject: Digest,
    { artifactType, ...options }: CallOptions & { readonly artifactType?: string | undefined },
  ): AsyncGenerator<Descriptor, void, undefined> {
    throwIfAborted(options.signal);
    const seen = new Set<Digest>();
    for await (const candidate of this.#candidates(subject, options)) {
      if (seen.has(candidate.digest)) continue;
      seen.add(candidate.digest);
      if (seen.size > mostManifests) throw tooMany(this.#storage.name);
      const referrer = await this.#referrer(candidate.digest, options);
      if (referrer?.subject !== subject) continue;
      if (artifactType !== undefined && referrer.descriptor.artifactType !== artifactType) continue;
      yield referrer.descriptor;
    }
  }

  async *#candidates(
    subject: Digest,
    options: CallOptions,
  ): AsyncGenerator<Descriptor, void, undefined> {
    const index = await this.#storage.readIndex();
    yield* index.manifests.filter(({ mediaType }) => isManifestMediaType(mediaType));
    const list = findName(index, referrersTag(subject));
    if (!list || !isIndexMediaType(list.mediaType)) return;
    const manifest = await this.#manifest(list.digest, options);
    if (manifest?.kind === 'index') yield* manifest.document.manifests;
  }

  async #referrer(digest: Digest, options: CallOptions): Promise<Referrer | undefined> {
    const known = this.#known.get(digest);
    if (known) return known.referrer;
    const manifest = await this.#manifest(digest, options);
    // What is not here now may come later.
    if (!manifest) return undefined;
    const referrer = referrerOf(manifest);
    this.#known.set(digest, { referrer });
    return referrer;
  }
}

function referrerOf(manifest: ResolvedManifest): Referrer | undefined {
  const { subject, annotations } = manifest.document;
  if (!subject) return undefined;
  const artifactType = artifactTypeOf(manifest);
  const descriptor = {
    ...manifest.descriptor,
    ...(artifactType !== undefined && { artifactType }),
    ...(annotations && { annotations }),
  };
  return { subject: subject.digest, descriptor };
}

function tooMany(name: string): OciError {
  return new OciError('LIMIT_EXCEEDED', `${name} lists more than ${mostManifests} manifests`, {
    hint: 'Its referrers are found by looking at each: divide the layout.',
  });
}
