import type { ListedObject } from '@oci/cache';

import type { HostedBlobs } from '../blobs.js';
import type { ContentIndex } from '../content-index.js';
import { contentKeyOfLink, digestOfLinkKey, repositoryOfKey } from '../keys.js';
import type { Links } from '../links.js';
import type { CollectionTally } from './collection-report.js';
import type { NamedContent } from './named-content.js';

/** Requests to the store at once. */
export const atOnce = 8;

interface LinkParts {
  readonly blobs: HostedBlobs;
  readonly links: Links;
  readonly index: ContentIndex;
}

interface LinkLook {
  /** What manifests name, of which all were read after the pass began. */
  readonly named: NamedContent;
  /** Links that were written since stay: milliseconds since the epoch. */
  readonly olderThan: number;
  readonly dryRun: boolean;
}

/** The links of one digest, in a dry run. */
interface DryGroup {
  readonly content: string;
  readonly first: ListedObject;
  /** Whether all of them would go, and the content with them. */
  isGoing: boolean;
}

/**
 * Links of blobs that no manifest of their repository names. The first pass condemns one, a pass a day later removes
 * it. Who pushes a manifest takes back what is condemned before it writes anything; who has looked before is done by
 * then, and was read. So nothing goes that a manifest names, and no push asks for anything more.
 */
export class UnnamedLinks {
  readonly #parts: LinkParts;
  readonly #tally: CollectionTally;
  readonly #options: LinkLook;
  #group: DryGroup | undefined;

  constructor(parts: LinkParts, tally: CollectionTally, options: LinkLook) {
    this.#parts = parts;
    this.#tally = tally;
    this.#options = options;
  }

  /** How many links may be looked at at once: a dry run has to keep those of one digest together. */
  get atOnce(): number {
    return this.#options.dryRun ? 1 : atOnce;
  }

  async look(entry: ListedObject): Promise<void> {
    if (this.#options.dryRun) await this.#begin(entry);
    const isGoing = await this.#look(entry);
    if (this.#group && !isGoing) this.#group.isGoing = false;
  }

  /** To be called when all were looked at. */
  async end(): Promise<void> {
    const digest = this.#group?.isGoing && digestOfLinkKey(this.#group.first.key);
    const content = digest && (await this.#parts.index.find(digest));
    if (content) this.#tally.freed('links', content.size);
  }

  async #begin(entry: ListedObject): Promise<void> {
    const content = contentKeyOfLink(entry.key);
    if (this.#group?.content === content) return;
    await this.end();
    this.#group = { content, first: entry, isGoing: true };
  }

  /** @returns whether it is removed */
  async #look({ key, version, modifiedAt }: ListedObject): Promise<boolean> {
    const { named, olderThan, dryRun } = this.#options;
    const { blobs, links } = this.#parts;
    const digest = digestOfLinkKey(key);
    if (!digest || modifiedAt >= olderThan || named.mayHave(key)) return false;
    const name = repositoryOfKey(key);
    const link = await links.blobAsListed(name, digest, version);
    if (!link?.value) return false;
    if (!link.value.condemned) {
      const isCondemned = dryRun || (await links.condemnAs(name, digest, link));
      if (isCondemned) this.#tally.condemned += 1;
      return false;
    }
    const bytes = dryRun ? 0 : await blobs.forgetBlob(name, digest, link);
    if (bytes !== undefined) this.#tally.removed('links', bytes);
    return bytes !== undefined;
  }
}
