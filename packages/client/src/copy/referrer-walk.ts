import {
  type CallOptions,
  type Descriptor,
  type Digest,
  type ReadableRepository,
  type ReferrerLister,
  type Tag,
  digestAlgorithm,
  digestEncoded,
  isBookkeepingTag,
  isManifestMediaType,
  isOciError,
  parseTag,
} from '@oci/spec-types';
import { forEachConcurrent } from '@oci/spec-types/node';

import { canListReferrers, withoutMirrors } from './ability.js';
import { atSide } from './side.js';

/** A manifest that cosign keeps under a tag made of the digest of what it is about. */
export interface Sidecar {
  readonly tag: Tag;
  readonly descriptor: Descriptor;
}

/** Where cosign up to version 2 keeps signatures, attestations and SBOMs. */
const sidecarSuffixes = ['sig', 'att', 'sbom'] as const;

/** The tags that cosign may have given to what is about a manifest. */
function sidecarTags(digest: Digest): readonly Tag[] {
  const base = `${digestAlgorithm(digest)}-${digestEncoded(digest)}`;
  // A tag has room for 128 characters, so sha512 has no sidecars.
  return base.length > 120 ? [] : sidecarSuffixes.map((suffix) => parseTag(`${base}.${suffix}`));
}

/** What a repository knows of a manifest besides the manifest. */
export class ReferrerWalk {
  readonly #source: ReadableRepository & Partial<ReferrerLister>;

  constructor(source: ReadableRepository) {
    this.#source = source;
  }

  /** The referrers of a manifest, those that are no manifests of a known type left out. */
  async referrersOf(
    subject: Pick<Descriptor, 'digest'>,
    options: CallOptions,
  ): Promise<readonly Descriptor[]> {
    const source = this.#source;
    if (!canListReferrers(source)) return [];
    const found = new Map<Digest, Descriptor>();
    await atSide('source', async () => {
      for await (const referrer of source.listReferrers(subject, options)) {
        const { mediaType, digest, size } = referrer;
        const isManifest =
          isManifestMediaType(mediaType) || (await this.#isManifest(referrer, options));
        if (isManifest) found.set(digest, { mediaType, digest, size });
      }
    });
    return [...found.values()];
  }

  /** The type in a list of referrers is a hint. */
  async #isManifest(referrer: Descriptor, options: CallOptions): Promise<boolean> {
    try {
      await this.#source.fetchManifest(referrer, options);
      return true;
    } catch (error) {
      if (isOciError(error, 'UNSUPPORTED', 'DOCUMENT_INVALID', 'MANIFEST_UNKNOWN')) return false;
      throw error;
    }
  }

  async sidecarsOf(
    subject: Pick<Descriptor, 'digest'>,
    options: CallOptions,
  ): Promise<readonly Sidecar[]> {
    const tags = sidecarTags(subject.digest);
    const found = new Map<Tag, Descriptor>();
    const { signal } = options;
    await forEachConcurrent(
      tags,
      async (tag, signal) => {
        const call = { ...options, signal };
        const descriptor = await atSide('source', () => resolveIfThere(this.#source, tag, call));
        if (descriptor) found.set(tag, descriptor);
      },
      { limit: tags.length, signal },
    );
    return tags.flatMap((tag) => {
      const descriptor = found.get(tag);
      return descriptor ? [{ tag, descriptor }] : [];
    });
  }
}

/** What a name stands for, by the repository itself; undefined when there is nothing of that name. */
export async function resolveIfThere(
  repository: Pick<ReadableRepository, 'resolve'>,
  tagOrDigest: Tag | Digest,
  options: CallOptions,
): Promise<Descriptor | undefined> {
  try {
    return await withoutMirrors(repository).resolve(tagOrDigest, options);
  } catch (error) {
    if (isOciError(error, 'MANIFEST_UNKNOWN', 'NAME_UNKNOWN')) return undefined;
    // Artifactory answers 403 for a tag of this form that is not there (sigstore/cosign#2973).
    if (isOciError(error, 'DENIED') && isBookkeepingTag(tagOrDigest)) return undefined;
    throw error;
  }
}
