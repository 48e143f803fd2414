import {
  type CallOptions,
  type Descriptor,
  type Digest,
  type EventListener,
  OciError,
  type ResolvedManifest,
  type Tag,
  childrenOf,
  isOciError,
} from '@oci/spec-types';

import type { WritableRepository } from './ability.js';
import type { BlobCopy } from './blob-copy.js';
import type { CopyEvent } from './copy-event.js';
import type { CopyPlan } from './copy-plan.js';
import { type Sidecar, resolveIfThere } from './referrer-walk.js';
import { atSide } from './side.js';

interface ManifestCopyParts {
  readonly plan: CopyPlan;
  readonly blobs: BlobCopy;
  readonly emit: EventListener<CopyEvent>;
}

/** Stores manifests of which everything below is stored already, and names them. */
export class ManifestCopy {
  readonly #target: WritableRepository;
  readonly #parts: ManifestCopyParts;

  constructor(target: WritableRepository, parts: ManifestCopyParts) {
    this.#target = target;
    this.#parts = parts;
  }

  /** Stores a manifest under its digest, unless it is there. */
  async store(manifest: ResolvedManifest, call: CallOptions): Promise<'copied' | 'skipped'> {
    const { digest } = manifest.descriptor;
    if (await atSide('destination', () => this.#resolve(digest, call))) return 'skipped';
    await this.#push(manifest, call);
    return 'copied';
  }

  /** Gives a manifest a name, unless it has it: some registries refuse to name a thing again. */
  async name(
    manifest: ResolvedManifest,
    tag: Tag,
    call: CallOptions,
  ): Promise<'copied' | 'skipped'> {
    const known = await atSide('destination', () => this.#resolve(tag, call));
    if (known?.digest === manifest.descriptor.digest) return 'skipped';
    await this.#push(manifest, call, tag);
    return 'copied';
  }

  /** A signature of cosign, by the tag that it looks for. */
  async nameSidecar({ tag, descriptor }: Sidecar, call: CallOptions): Promise<void> {
    const { plan, emit } = this.#parts;
    const known = await atSide('destination', () => this.#resolve(tag, call));
    if (known?.digest === descriptor.digest) return;
    if (known) {
      const message = `${tag} of the target was ${known.digest}, and is now what the source has`;
      emit({ type: 'warning', message });
    }
    const node = plan.graph.nodes.get(descriptor.digest);
    if (node) await this.#push(node.manifest, call, tag);
  }

  #resolve(tagOrDigest: Tag | Digest, call: CallOptions): Promise<Descriptor | undefined> {
    return resolveIfThere(this.#target, tagOrDigest, { ...call, forPush: true });
  }

  async #push(manifest: ResolvedManifest, call: CallOptions, tag?: Tag): Promise<void> {
    const push = (): Promise<Descriptor> =>
      atSide('destination', () => this.#target.pushManifest(manifest, { ...call, tag }));
    try {
      await push();
    } catch (error) {
      // What was there a moment ago may have been collected as garbage.
      if (!missesContent(error)) throw error;
      await this.#mend(manifest, call);
      await push().catch((again: unknown) => {
        throw missesContent(again) ? this.#incomplete(again) : again;
      });
    }
    const { digest, size } = manifest.descriptor;
    this.#parts.emit({ type: 'done', digest, size });
  }

  /** Brings what a manifest leads to once more. */
  async #mend(manifest: ResolvedManifest, call: CallOptions): Promise<void> {
    const { plan, blobs, emit } = this.#parts;
    const { nodes, blobs: planned } = plan.graph;
    const { digest } = manifest.descriptor;
    const message = `the target misses what ${digest} leads to: it is brought once more`;
    emit({ type: 'warning', message });
    if (manifest.kind === 'image') {
      for (const { digest } of childrenOf(manifest)) {
        const blob = planned.get(digest);
        if (blob) await blobs.copy(blob, call);
      }
    }
    for (const child of nodes.get(digest)?.children ?? []) {
      const node = nodes.get(child.digest);
      if (node) await this.#push(node.manifest, call);
    }
  }

  /** An index of which only some platforms were copied is refused by registries that check its children. */
  #incomplete(error: unknown): unknown {
    if (this.#parts.plan.left.platforms === 0 || !isOciError(error)) return error;
    return new OciError('UNSUPPORTED', 'the target takes no index of which manifests are missing', {
      cause: error,
      request: error.request,
      registryErrors: error.registryErrors,
      side: 'destination',
      hint: 'Copy all platforms, or a single one.',
    });
  }
}

/** What a registry says to a manifest whose children it does not have (distribution-spec, "Error Codes"). */
function missesContent(error: unknown): boolean {
  return (
    isOciError(error) &&
    error.registryErrors.some(
      ({ code }) => code === 'MANIFEST_BLOB_UNKNOWN' || code === 'BLOB_UNKNOWN',
    )
  );
}
