import {
  type CallOptions,
  type Descriptor,
  type Digest,
  OciError,
  type RepositoryName,
  type ResolvedManifest,
  type Tag,
  isDigest,
} from '@oci/spec-types';

import type { HostedRegistry } from '../hosted/hosted-registry.js';
import type {
  Content,
  ContentTarget,
  ListedManifest,
  ListedTag,
  Outcome,
  ReadManifest,
} from './repository-content.js';

/** How content is brought to a hosted repository. */
export interface HostedTargetOptions {
  /** Move tags that are of other manifests. Default false. */
  readonly overwrite?: boolean | undefined;
  /** Hash blobs that are there, and store anew what is damaged. Default false. */
  readonly verify?: boolean | undefined;
}

/**
 * A hosted repository that content is brought to. All goes the way of a push: it is hashed, and what rules forbid is
 * refused.
 */
export class HostedTarget implements ContentTarget {
  readonly #registry: HostedRegistry;
  readonly #overwrite: boolean;
  readonly #verify: boolean;
  readonly name: RepositoryName;

  constructor(
    registry: HostedRegistry,
    name: RepositoryName,
    { overwrite = false, verify = false }: HostedTargetOptions = {},
  ) {
    this.#registry = registry;
    this.#overwrite = overwrite;
    this.#verify = verify;
    this.name = name;
  }

  /** What a manifest leads to is looked at each time: it may have come without, or lost it. */
  async isWhole(): Promise<boolean> {
    return false;
  }

  async describe({ digest, usage }: ListedManifest): Promise<void> {
    if (usage) await this.#registry.pulls.restore(this.name, digest, usage);
  }

  async resolve(tagOrDigest: Tag | Digest): Promise<Descriptor> {
    const reference = isDigest(tagOrDigest) ? { digest: tagOrDigest } : { tag: tagOrDigest };
    const found = await this.#registry.manifests.resolve(this.name, reference);
    if (found) return found;
    throw new OciError('MANIFEST_UNKNOWN', `${this.name} has no ${tagOrDigest}`);
  }

  async hasBlob({ digest }: Content, options: CallOptions = {}): Promise<boolean> {
    const { blobs } = this.#registry;
    // Its manifest may come a day later.
    const found = await blobs.findToKeep(this.name, digest);
    return found !== undefined && (!this.#verify || blobs.isIntact(found, options));
  }

  async pushBlob(
    descriptor: Content,
    body: AsyncIterable<Uint8Array>,
    options: CallOptions = {},
  ): Promise<void> {
    const { blobs } = this.#registry;
    // Who imports has the bytes: another repository's copy saves to write them again.
    for await (const other of this.#registry.holders(descriptor.digest)) {
      if (other !== this.name && (await blobs.mount(this.name, descriptor.digest, other))) return;
      break;
    }
    await blobs.put(this.name, { descriptor, body }, options);
  }

  async pushManifest(
    { manifest, pushedAt }: Pick<ReadManifest, 'manifest' | 'pushedAt'>,
    missing: readonly Digest[] = [],
  ): Promise<Outcome> {
    const { manifests } = this.#registry;
    const { digest } = manifest.descriptor;
    if ((await manifests.recordOf(this.name, digest)) && (await this.#isIntact(digest)))
      return 'present';
    // An index comes behind what it lists, which may be blobs.
    const isSparse = missing.length > 0 || manifest.kind === 'index';
    await manifests.put(this.name, manifest, { tags: [], isSparse, pushedAt });
    return 'copied';
  }

  async pushTag(
    { tag, pushedAt }: ListedTag,
    { manifest }: { readonly manifest: ResolvedManifest },
  ): Promise<Outcome> {
    const { digest } = manifest.descriptor;
    const known = await this.#registry.manifests.tagged(this.name, tag);
    if (known?.digest === digest) return 'present';
    if (known && !this.#overwrite) throw this.#taken(tag, known.digest);
    await this.#registry.manifests.put(this.name, manifest, {
      tags: [tag],
      isStored: true,
      pushedAt,
      check: { reference: { tag }, state: (now) => this.#checkTag(tag, now, digest) },
    });
    return 'copied';
  }

  #checkTag(tag: Tag, now: Digest | undefined, wanted: Digest): void {
    // Somebody may push to a bucket meanwhile.
    if (now !== undefined && now !== wanted && !this.#overwrite) throw this.#taken(tag, now);
  }

  /** Manifests are small: each is hashed. */
  async #isIntact(digest: Digest): Promise<boolean> {
    const { manifests, blobs } = this.#registry;
    const found = await manifests.find(this.name, { digest });
    return found !== undefined && blobs.isIntact(found.content);
  }

  #taken(tag: Tag, digest: Digest): OciError {
    return new OciError('TAG_EXISTS', `${this.name}:${tag} is ${digest} here, and stays`, {
      hint: 'Move it with --overwrite.',
    });
  }
}
