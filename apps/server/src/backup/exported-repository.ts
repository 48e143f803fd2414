import { type CallOptions, type Digest, type RepositoryName, singleChunk } from '@oci/spec-types';

import type { ExportDirectory } from './export-directory.js';
import type { ExportIndex, IndexEntry } from './export-index.js';
import type {
  Content,
  ContentTarget,
  ListedManifest,
  ListedTag,
  Outcome,
  ReadManifest,
} from './repository-content.js';

/** A repository of an export while it is written. Until {@link finish} it is as it was before. */
export class ExportedRepository implements ContentTarget {
  readonly #directory: ExportDirectory;
  readonly #name: RepositoryName;
  readonly #before: ExportIndex;
  readonly #verify: boolean;
  readonly #now: ExportIndex = { manifests: new Map(), tags: new Map() };

  constructor(
    directory: ExportDirectory,
    { name, before }: { readonly name: RepositoryName; readonly before: ExportIndex | undefined },
    { verify = false }: { readonly verify?: boolean } = {},
  ) {
    this.#directory = directory;
    this.#name = name;
    this.#before = before ?? { manifests: new Map(), tags: new Map() };
    this.#verify = verify;
  }

  async isWhole(digest: Digest): Promise<boolean> {
    const known = this.#before.manifests.get(digest);
    if (!known || known.missing || this.#verify) return false;
    this.#now.manifests.set(digest, known);
    return true;
  }

  async describe({ digest, pushedAt, usage }: ListedManifest): Promise<void> {
    const entry = this.#now.manifests.get(digest);
    if (entry) this.#now.manifests.set(digest, { ...entry, pushedAt, usage });
  }

  hasBlob(content: Content, options?: CallOptions): Promise<boolean> {
    return this.#directory.hasBlob(content, options);
  }

  pushBlob(
    content: Content,
    body: AsyncIterable<Uint8Array>,
    options?: CallOptions,
  ): Promise<void> {
    return this.#directory.writeBlob(content, body, options);
  }

  async pushManifest(
    { manifest, pushedAt }: ReadManifest,
    missing: readonly Digest[],
  ): Promise<Outcome> {
    const { descriptor, bytes, mediaType } = manifest;
    const { digest, size } = descriptor;
    const isThere = await this.#directory.hasBlob(descriptor);
    if (!isThere) await this.#directory.writeBlob(descriptor, singleChunk(bytes));
    // It may be brought a second time, behind its description.
    const usage = this.#now.manifests.get(digest)?.usage;
    const entry = { mediaType, digest, size, pushedAt, usage };
    this.#now.manifests.set(digest, missing.length > 0 ? { ...entry, missing } : entry);
    return isThere && this.#before.manifests.has(digest) ? 'present' : 'copied';
  }

  async pushTag({ tag, pushedAt }: ListedTag, { manifest }: ReadManifest): Promise<Outcome> {
    const { digest, size } = manifest.descriptor;
    this.#now.tags.set(tag, { mediaType: manifest.mediaType, digest, size, pushedAt });
    return this.#before.tags.get(tag)?.digest === digest ? 'present' : 'copied';
  }

  /**
   * Writes the list of what the repository has.
   *
   * @param options.prune leave out what it does not have any more
   * @returns how much went
   */
  async finish({
    prune,
  }: {
    readonly prune: boolean;
  }): Promise<{ readonly manifests: number; readonly tags: number }> {
    const gone = { manifests: 0, tags: 0 };
    for (const kind of ['manifests', 'tags'] as const) {
      const now: Map<string, IndexEntry> = this.#now[kind];
      for (const [name, entry] of this.#before[kind]) {
        if (now.has(name)) continue;
        if (prune) gone[kind] += 1;
        else now.set(name, entry);
      }
    }
    await this.#directory.writeIndex(this.#name, this.#now);
    return gone;
  }
}
