import {
  type CallOptions,
  type Digest,
  type EventListener,
  type OciError,
  Operation,
  type ReadableRepository,
  type Tag,
  type TagLister,
  asOciError,
  checkedListener,
  throwIfAborted,
} from '@oci/spec-types';
import { forEachConcurrent } from '@oci/spec-types/node';

import { type Kinds, anything, checkOptions, wholeUpTo } from '../option-check.js';
import { type WritableRepository, canListTags, withoutMirrors } from './ability.js';
import { CopiedContent } from './copied-content.js';
import { runCopy } from './copy.js';
import { type CheckedCopyOptions, copyKinds, parsedOptions } from './copy-arguments.js';
import { checkRepositories } from './copy-ends.js';
import type { CopyEvent } from './copy-event.js';
import type { CopyOptions, CopyResult } from './copy-options.js';
import { resolveIfThere } from './referrer-walk.js';
import { atSide } from './side.js';
import { type TagChoice, tagFilter } from './tag-choice.js';

export interface CopyAllOptions extends Omit<CopyOptions, 'onEvent'> {
  /** Default: all but the tags that tools keep their records by, such as signatures. */
  readonly tags?: TagChoice | undefined;
  /** Tags at once, 1 to 16; each with `concurrency` blobs. Default 4. */
  readonly tagsAtOnce?: number | undefined;
  readonly onEvent?: EventListener<CopyAllEvent> | undefined;
}

/** What became of a tag. */
export type TagCopy =
  | { readonly tag: Tag; readonly outcome: 'copied'; readonly result: CopyResult }
  /** The target had it already. */
  | { readonly tag: Tag; readonly outcome: 'unchanged'; readonly digest: Digest }
  | { readonly tag: Tag; readonly outcome: 'failed'; readonly error: OciError };

export type CopyAllEvent =
  | CopyEvent
  /** A tag has ended, as one of `total`. */
  | {
      readonly type: 'tag';
      readonly tag: Tag;
      readonly outcome: TagCopy['outcome'];
      readonly done: number;
      readonly total: number;
    };

/**
 * Copies the tags of a repository with all that they lead to. A tag that the target has as the source does costs two
 * requests, content that tags share is brought once, and a tag that fails keeps no other from being copied: what
 * became of each is the result, in the order of the source.
 *
 * With `referrers`, `platform`, `platforms` or `verify` a tag that is there is looked through again.
 *
 * @throws OciError `USAGE`, `ABORTED`, and what listing the source's tags fails with
 */
export function copyAll(
  source: ReadableRepository & TagLister,
  target: WritableRepository & Partial<TagLister>,
  options: CopyAllOptions = {},
): Operation<readonly TagCopy[], CopyAllEvent> {
  return new Operation(async (emit) => {
    const tell = checkedListener((event: CopyAllEvent): void => {
      emit(event);
      options.onEvent?.(event);
    });
    checkRepositories(source, target);
    checkOptions(options, kinds);
    const { onEvent: _, ...rest } = options;
    const parsed = parsedOptions(rest);
    return new CopyingAll(source, target, { ...parsed, onEvent: tell }).run();
  });
}

type Listened = Omit<CheckedCopyOptions, 'onEvent'> &
  Pick<CopyAllOptions, 'tags' | 'tagsAtOnce'> & { readonly onEvent: EventListener<CopyAllEvent> };

const kinds: Kinds<CopyAllOptions> = {
  ...copyKinds,
  tags: anything,
  tagsAtOnce: wholeUpTo(16),
};

class CopyingAll {
  readonly #source: ReadableRepository & TagLister;
  readonly #target: WritableRepository & Partial<TagLister>;
  readonly #options: Listened;
  readonly #known = new CopiedContent();

  constructor(
    source: ReadableRepository & TagLister,
    target: WritableRepository & Partial<TagLister>,
    options: Listened,
  ) {
    this.#source = source;
    this.#target = target;
    this.#options = options;
  }

  async run(): Promise<readonly TagCopy[]> {
    const { signal, onEvent } = this.#options;
    const limit = this.#limit();
    const wanted = tagFilter(this.#options.tags);
    const tags: Tag[] = [];
    await atSide('source', async () => {
      for await (const tag of this.#source.listTags({ signal, onEvent }))
        if (wanted(tag)) tags.push(tag);
    });
    const there = await this.#tagsThere();
    const ended = new Map<Tag, TagCopy>();
    const copyTag = async (tag: Tag): Promise<void> => {
      const copied = await this.#copyTag(tag, there);
      ended.set(tag, copied);
      const { outcome } = copied;
      onEvent({ type: 'tag', tag, outcome, done: ended.size, total: tags.length });
    };
    await forEachConcurrent(tags, copyTag, { limit, signal });
    return tags.flatMap((tag) => ended.get(tag) ?? []);
  }

  async #copyTag(tag: Tag, there: ReadonlySet<string> | undefined): Promise<TagCopy> {
    const { signal } = this.#options;
    try {
      const digest = there?.has(tag) === false ? undefined : await this.#unchanged(tag);
      if (digest) return { tag, outcome: 'unchanged', digest };
      const from = { repository: this.#source, reference: tag };
      const to = { repository: this.#target, tags: [tag] };
      const result = await runCopy(from, to, { ...this.#options, known: this.#known });
      return { tag, outcome: 'copied', result };
    } catch (error) {
      throwIfAborted(signal);
      return { tag, outcome: 'failed', error: asOciError(error) };
    }
  }

  /** Returns the digest that a tag has at both ends, where nothing else can be missing then. */
  async #unchanged(tag: Tag): Promise<Digest | undefined> {
    const { signal, onEvent, referrers, platform, platforms, verify } = this.#options;
    if (referrers === true || platform || platforms || verify) return undefined;
    const call: CallOptions = { signal, onEvent };
    const [here, there] = await Promise.all([
      atSide('source', () => withoutMirrors(this.#source).resolve(tag, call)),
      atSide('destination', () => resolveIfThere(this.#target, tag, { ...call, forPush: true })),
    ]);
    return here.digest === there?.digest ? here.digest : undefined;
  }

  /** Returns the target's tags; undefined where it does not list them, so that each is asked for. */
  async #tagsThere(): Promise<ReadonlySet<string> | undefined> {
    const target = this.#target;
    const { signal, onEvent } = this.#options;
    if (!canListTags(target)) return undefined;
    const tags = new Set<string>();
    try {
      for await (const tag of withoutMirrors(target).listTags({ signal, onEvent })) tags.add(tag);
      return tags;
    } catch (error) {
      throwIfAborted(signal);
      // A repository that is not there yet has none; one that may not be listed is asked for each.
      return asOciError(error).code === 'NAME_UNKNOWN' ? new Set() : undefined;
    }
  }

  #limit(): number {
    const { tagsAtOnce = 4 } = this.#options;
    return this.#target.keepsOrder === true ? 1 : tagsAtOnce;
  }
}
