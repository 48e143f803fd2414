import {
  type CallOptions,
  type Descriptor,
  type EventListener,
  Operation,
  type Tag,
  checkedListener,
  isDigest,
} from '@oci/spec-types';
import { forEachConcurrent } from '@oci/spec-types/node';

import { eitherSignal } from '../transport/own-signal.js';
import { isSameRepository } from './ability.js';
import { BlobCopy, type BlobOutcome } from './blob-copy.js';
import { CopiedContent } from './copied-content.js';
import {
  type CheckedCopyOptions,
  type Source,
  type Target,
  checkCopyOptions,
  checkSource,
  checkTarget,
} from './copy-arguments.js';
import type { CopyEvent } from './copy-event.js';
import type {
  CopyOptions,
  CopyResult,
  CopySource,
  CopyTarget,
  LeftBehind,
} from './copy-options.js';
import { type CopyPlan, planCopy } from './copy-plan.js';
import { ManifestCopy } from './manifest-copy.js';
import { Tally } from './tally.js';

/**
 * Copies an artifact with all that it leads to: registries, layouts, archives, memory, in any direction.
 * No byte of a manifest changes. Blobs come before the manifests that lead to them, and the tags last; so
 * an interrupted copy leaves nothing incomplete under a name, and the next one goes on where it ended.
 *
 * @throws OciError `USAGE`, `LIMIT_EXCEEDED`, and what either end fails with; `side` says which
 */
export function copy(
  source: CopySource,
  target: CopyTarget,
  options: CopyOptions = {},
): Operation<CopyResult, CopyEvent> {
  return new Operation(async (emit) => {
    const tell = checkedListener((event: CopyEvent): void => {
      emit(event);
      options.onEvent?.(event);
    });
    const from = checkSource(source);
    return runCopy(from, checkTarget(target), {
      ...checkCopyOptions(options),
      onEvent: tell,
      known: new CopiedContent(),
    });
  });
}

/** One copy of several that share what they know of the target. */
export function runCopy(
  source: CopySource,
  target: CopyTarget,
  options: ListenedOptions,
): Promise<CopyResult> {
  return new Copying(source as Source, target as Target, options).run();
}

interface ListenedOptions extends CheckedCopyOptions {
  readonly onEvent: EventListener<CopyEvent>;
  readonly known: CopiedContent;
}

class Copying {
  readonly #source: Source;
  readonly #target: Target;
  readonly #options: ListenedOptions;
  readonly #tallies = { copied: new Tally(), skipped: new Tally(), mounted: new Tally() };

  constructor(source: Source, target: Target, options: ListenedOptions) {
    this.#source = source;
    this.#target = target;
    this.#options = options;
  }

  async run(): Promise<CopyResult> {
    const { reference, repository } = this.#source;
    const plan = await planCopy(repository, reference, this.#options);
    this.#announce(plan);
    const stop = new AbortController();
    // Within one repository they stay with the manifest, whatever its names are.
    const counting = isSameRepository(repository, this.#target.repository)
      ? Promise.resolve(0)
      : plan.countReferrers(eitherSignal(this.#options.signal, stop.signal));
    try {
      await this.#bring(plan);
      const left = { ...plan.left, referrers: await counting };
      this.#warn({ referrers: left.referrers });
      return this.#result(plan, left);
    } finally {
      stop.abort();
      await counting;
    }
  }

  async #bring(plan: CopyPlan): Promise<void> {
    const { repository } = this.#source;
    const { known } = this.#options;
    const blobs = new BlobCopy(repository, this.#target.repository, {
      emit: this.#options.onEvent,
      attempts: this.#options.attempts ?? 3,
      verify: this.#options.verify ?? false,
    });
    const manifests = new ManifestCopy(this.#target.repository, {
      plan,
      blobs,
      emit: this.#options.onEvent,
    });
    await this.#each(plan.graph.blobs.values(), async (blob, call) => {
      this.#tallies[await known.once(blob.digest, () => blobs.copy(blob, call))].blob(blob);
    });
    for (const turn of plan.graph.turns()) {
      await this.#each(turn, async ({ manifest }, call) => {
        // Where nothing comes behind it, the name brings the manifest.
        const comesNamed = manifest === plan.root && plan.referrers === 0 && this.#tags.length > 0;
        if (comesNamed) return;
        const { descriptor } = manifest;
        const store = (): Promise<BlobOutcome> => manifests.store(manifest, call);
        this.#tallies[await known.once(descriptor.digest, store)].manifest(descriptor);
      });
    }
    await this.#each(plan.sidecars, (sidecar, call) => manifests.nameSidecar(sidecar, call));
    await this.#nameRoot(plan, manifests);
  }

  async #nameRoot(plan: CopyPlan, manifests: ManifestCopy): Promise<void> {
    const [first] = this.#tags;
    for (const tag of this.#tags) {
      const outcome = await manifests.name(plan.root, tag, this.#call(this.#options.signal));
      if (plan.referrers === 0 && tag === first)
        this.#tallies[outcome].manifest(plan.root.descriptor);
    }
  }

  get #tags(): readonly Tag[] {
    const { tags } = this.#target;
    if (tags) return tags;
    const { reference } = this.#source;
    return isDigest(reference) ? [] : [reference];
  }

  #announce({ graph, root, left }: CopyPlan): void {
    const { onEvent } = this.#options;
    const { reference } = this.#source;
    onEvent({ type: 'resolve', reference, digest: root.descriptor.digest });
    const manifests = [...graph.nodes.values()].map(({ manifest }) => manifest.descriptor);
    const contents: readonly Descriptor[] = [...graph.blobs.values(), ...manifests];
    const bytes = contents.reduce((sum, { size }) => sum + size, 0);
    onEvent({ type: 'plan', manifests: manifests.length, blobs: graph.blobs.size, bytes });
    this.#warn(left);
  }

  #warn(left: Partial<LeftBehind>): void {
    for (const message of warningsOf(left)) this.#options.onEvent({ type: 'warning', message });
  }

  #each<T>(items: Iterable<T>, work: (item: T, call: CallOptions) => Promise<void>): Promise<void> {
    const { signal } = this.#options;
    // Content that is kept in the order in which it comes has to come in one that is always the same.
    const isOrdered = this.#target.repository.keepsOrder === true;
    const limit = isOrdered ? 1 : this.#options.concurrency;
    return forEachConcurrent(items, (item, signal) => work(item, this.#call(signal)), {
      limit,
      signal,
    });
  }

  #call(signal: AbortSignal | undefined): CallOptions {
    return { signal, onEvent: this.#options.onEvent };
  }

  #result({ root, referrers }: CopyPlan, left: LeftBehind): CopyResult {
    const { copied, skipped, mounted } = this.#tallies;
    return {
      descriptor: root.descriptor,
      tags: this.#tags,
      copied: copied.sums,
      skipped: skipped.sums,
      mounted: mounted.sums,
      referrers,
      left,
    };
  }
}

function warningsOf({
  referrers = 0,
  platforms = 0,
  foreignLayers = 0,
}: Partial<LeftBehind>): readonly string[] {
  const count = (number: number, one: string, many: string): string =>
    number === 1 ? `1 ${one} is` : `${number} ${many} are`;
  return [
    referrers > 0 &&
      `${count(referrers, 'referrer', 'referrers')} not copied, such as signatures and SBOMs: ask for referrers to bring them`,
    platforms > 0 &&
      `${count(platforms, 'manifest', 'manifests')} of other platforms not copied: the index is not complete at the target`,
    foreignLayers > 0 &&
      `${count(foreignLayers, 'layer', 'layers')} not copied, since their type forbids to distribute them`,
  ].filter((message) => message !== false);
}
