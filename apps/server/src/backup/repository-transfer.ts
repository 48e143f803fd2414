import {
  type CallOptions,
  type Digest,
  OciError,
  SingleFlight,
  type Tag,
  childrenOf,
  isManifestMediaType,
} from '@oci/spec-types';
import { forEachConcurrent } from '@oci/spec-types/node';

import type {
  Content,
  ContentSource,
  ContentTarget,
  ListedManifest,
  ListedTag,
  ReadManifest,
} from './repository-content.js';
import { asSource, atSource, endsAll } from './transfer-failure.js';
import type { TransferReport } from './transfer-report.js';

/** Manifests, and blobs of each, at the same time. */
const atOnce = 4;
const tagsAtOnce = 16;
/** Indexes in indexes. */
const maxDepth = 64;
/** How often a tag is read again that moved while it was followed. */
const tagAttempts = 5;

/** What a manifest is after it was brought; sparse where the source lacks something that it leads to. */
type Brought = 'whole' | 'sparse' | 'gone' | 'failed';

/**
 * Brings all that a repository has to another place: blobs before the manifests that name them, manifests before the
 * indexes that list them, tags last. So whatever ends it, each tag at the target leads to whole content.
 *
 * What cannot be read, or is refused, is reported, and the rest goes on. When the target can store nothing any more,
 * it ends.
 */
export class RepositoryTransfer {
  readonly #source: ContentSource;
  readonly #target: ContentTarget;
  readonly #report: TransferReport;
  readonly #options: CallOptions;
  readonly #brought = new Map<Digest, Promise<Brought>>();
  readonly #sparse = new Set<Digest>();
  /** Of blobs that several manifests name. */
  readonly #blobs = new SingleFlight<boolean>();

  constructor(
    { source, target }: { readonly source: ContentSource; readonly target: ContentTarget },
    report: TransferReport,
    options: CallOptions = {},
  ) {
    this.#source = source;
    this.#target = target;
    this.#report = report;
    this.#options = options;
  }

  /** @throws OciError `STORAGE_…` when the target stores nothing, `ABORTED` */
  async run(): Promise<void> {
    try {
      await this.#run();
    } catch (error) {
      this.#tell(undefined, error);
    }
    this.#report.repositories += 1;
  }

  async #run(): Promise<void> {
    const { signal } = this.#options;
    const manifests = this.#source.manifests(this.#options);
    const bring = (listed: ListedManifest): Promise<void> => this.#bringListed(listed);
    await forEachConcurrent(manifests, bring, { limit: atOnce, signal });
    // What was pushed again since then is whole now, and has tags.
    for (const digest of this.#sparse) this.#brought.delete(digest);
    const tags = this.#source.tags(this.#options);
    await forEachConcurrent(tags, (tag) => this.#name(tag), { limit: tagsAtOnce, signal });
  }

  async #bringListed(listed: ListedManifest): Promise<void> {
    const brought = await this.#bring(listed.digest);
    if (brought === 'whole' || brought === 'sparse') await this.#target.describe(listed);
  }

  #bring(digest: Digest, depth = 0): Promise<Brought> {
    const known = this.#brought.get(digest);
    if (known) return known;
    const own = this.#tryManifest(digest, depth);
    this.#brought.set(digest, own);
    return own;
  }

  async #tryManifest(digest: Digest, depth: number): Promise<Brought> {
    try {
      return await this.#bringManifest(digest, depth);
    } catch (error) {
      if (await this.#isGone(digest)) return 'gone';
      this.#tell(digest, error);
      return 'failed';
    }
  }

  /** Tells whether the source does not have a manifest any more: what it led to may have gone with it. */
  async #isGone(digest: Digest): Promise<boolean> {
    const read = async (): Promise<boolean> =>
      (await this.#source.readManifest(digest)) === undefined;
    return read().catch(() => false);
  }

  async #bringManifest(digest: Digest, depth: number): Promise<Brought> {
    if (await this.#target.isWhole(digest)) {
      this.#report.count('manifests', 'present');
      return 'whole';
    }
    const read = await atSource(() => this.#source.readManifest(digest, this.#options));
    if (!read) return 'gone';
    const { missing, isSparse } = await this.#bringContent(read, depth);
    const outcome = await this.#target.pushManifest(read, missing);
    this.#report.count('manifests', outcome, read.manifest.bytes.byteLength);
    if (!isSparse) return 'whole';
    this.#sparse.add(digest);
    return 'sparse';
  }

  /** @returns what the source does not have, and whether that or something below is missing */
  async #bringContent(
    { manifest, missing: noted = [] }: ReadManifest,
    depth: number,
  ): Promise<{ readonly missing: readonly Digest[]; readonly isSparse: boolean }> {
    const children = new Map(childrenOf(manifest).map((child) => [child.digest, child]));
    const missing = noted.filter((digest) => children.delete(digest));
    let isSparse = missing.length > 0;
    const isManifest = (mediaType: string): boolean =>
      manifest.kind === 'index' && isManifestMediaType(mediaType);
    await forEachConcurrent(
      children.values(),
      async ({ digest, mediaType }) => {
        const brought = isManifest(mediaType)
          ? await this.#bringChild(digest, depth + 1)
          : await this.#bringBlob(digest);
        if (brought === 'gone') missing.push(digest);
        if (brought !== 'whole') isSparse = true;
      },
      { limit: manifest.kind === 'index' ? 1 : atOnce, signal: this.#options.signal },
    );
    return { missing, isSparse };
  }

  async #bringChild(digest: Digest, depth: number): Promise<Brought> {
    if (depth > maxDepth)
      throw new OciError('LIMIT_EXCEEDED', `indexes are more than ${maxDepth} deep`);
    const brought = await this.#bring(digest, depth);
    if (brought !== 'failed') return brought;
    throw new OciError('MANIFEST_UNKNOWN', `it lists ${digest}, which was not copied`);
  }

  async #bringBlob(digest: Digest): Promise<Brought> {
    const work = (signal: AbortSignal): Promise<boolean> =>
      this.#copyBlob(digest, { ...this.#options, signal });
    return (await this.#blobs.do(digest, work, this.#options)) ? 'whole' : 'gone';
  }

  /** @returns false when the source does not have it */
  async #copyBlob(digest: Digest, options: CallOptions): Promise<boolean> {
    const size = await atSource(() => this.#source.blobSize(digest, options));
    if (size === undefined) return false;
    const content = { digest, size };
    if (await this.#target.hasBlob(content, options)) {
      this.#report.count('blobs', 'present');
      return true;
    }
    const body = new SourceBody(this.#source, content, options);
    try {
      await this.#target.pushBlob(content, body, options);
    } catch (error) {
      // Whatever the target made of it, the failure is the source's.
      throw body.failure ?? error;
    }
    this.#report.count('blobs', 'copied', size);
    return true;
  }

  async #name(tag: Tag): Promise<void> {
    try {
      let listed: ListedTag | undefined;
      for (let attempt = 0; attempt < tagAttempts; attempt += 1) {
        listed = await atSource(() => this.#source.findTag(tag));
        if (!listed) return;
        const brought = await this.#bring(listed.digest);
        if (brought !== 'gone') return await this.#pushTag(listed, brought);
        // The tag was moved, or deleted, or its manifest came back.
        this.#brought.delete(listed.digest);
      }
      throw new OciError('MANIFEST_UNKNOWN', `it leads to ${listed?.digest}, which is not there`);
    } catch (error) {
      this.#tell(tag, error);
    }
  }

  async #pushTag(listed: ListedTag, brought: Brought): Promise<void> {
    const { digest } = listed;
    if (brought === 'failed')
      throw new OciError('MANIFEST_UNKNOWN', `it leads to ${digest}, which was not copied`);
    const read = await atSource(() => this.#source.readManifest(digest, this.#options));
    if (read) this.#report.count('tags', await this.#target.pushTag(listed, read));
  }

  #tell(subject: string | undefined, thrown: unknown): void {
    if (endsAll(thrown)) throw thrown;
    this.#report.problem({ repository: this.#source.name, subject }, thrown);
  }
}

/** The bytes of the source, opened when the target wants the first. */
class SourceBody implements AsyncIterable<Uint8Array> {
  readonly #open: () => Promise<AsyncIterable<Uint8Array>>;
  failure: unknown;

  constructor(source: ContentSource, content: Content, options: CallOptions) {
    this.#open = () => source.openBlob(content, options);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* await this.#open();
    } catch (error) {
      this.failure = asSource(error);
      throw this.failure;
    }
  }
}
