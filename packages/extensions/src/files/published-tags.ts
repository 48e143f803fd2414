import {
  type CallOptions,
  type Descriptor,
  type Digest,
  OciError,
  type ReadableRepository,
  type Tag,
  isExactVersion,
  isOciError,
} from '@oci/spec-types';

import { type ArtifactDescription, type FileArtifact, asPublished } from './file-artifact.js';

/** A tag that named other content before. */
export interface ReplacedTag {
  readonly tag: Tag;
  readonly digest: Digest;
}

interface Wish extends ArtifactDescription {
  readonly tags: readonly Tag[];
  readonly force: boolean;
}

/** What a repository has under the tags of a push. */
export class PublishedTags {
  readonly #repository: ReadableRepository;
  readonly #call: CallOptions;

  constructor(repository: ReadableRepository, call: CallOptions) {
    this.#repository = repository;
    this.#call = { ...call, forPush: true };
  }

  /**
   * Decides what is pushed: a version, once published, means the same for everybody, and the same files pushed again are
   * what is published. Other tags are meant to move and are not looked up.
   *
   * @throws OciError `TAG_EXISTS`
   */
  async settle(
    described: FileArtifact,
    { tags, force, ...description }: Wish,
  ): Promise<{ readonly artifact: FileArtifact; readonly replaced: readonly ReplacedTag[] }> {
    let artifact = described;
    const replaced: ReplacedTag[] = [];
    for (const tag of tags.filter(isExactVersion)) {
      const published = await this.#find(tag);
      if (!published || published.digest === artifact.manifest.descriptor.digest) continue;
      if (force) {
        replaced.push({ tag, digest: published.digest });
        continue;
      }
      const there = await this.#repository.fetchManifest(published, this.#call);
      // Two versions that differ in their creation time alone stay two.
      const same = artifact === described ? asPublished(described, there, description) : undefined;
      if (!same) throw taken(tag, published);
      artifact = same;
    }
    return { artifact, replaced };
  }

  async #find(tag: Tag): Promise<Descriptor | undefined> {
    try {
      return await this.#repository.resolve(tag, this.#call);
    } catch (error) {
      if (isOciError(error, 'MANIFEST_UNKNOWN', 'NAME_UNKNOWN')) return undefined;
      throw error;
    }
  }
}

function taken(tag: Tag, { digest }: Descriptor): OciError {
  return new OciError('TAG_EXISTS', `version ${tag} is already published, as ${digest}`, {
    hint: 'Publish a new version, or replace it with `force`.',
    reason: { kind: 'tag-taken' },
  });
}
