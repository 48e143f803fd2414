import {
  type CallOptions,
  type Descriptor,
  type Digest,
  type ManifestSource,
  OciError,
  type ResolvedManifest,
  childrenOf,
  isManifestMediaType,
  isOciError,
} from '@oci/spec-types';
import { forEachConcurrent } from '@oci/spec-types/node';

import { formatPlatform } from './platform-choice.js';
import { atSide } from './side.js';

/** How large a graph may be: whoever published it decides what else there is to fetch. */
export interface GraphLimits {
  /** Manifests and indexes in all. Default 10000. */
  readonly manifests: number;
  /** Bytes of all manifests together, which are held in memory. Default 64 MiB. */
  readonly manifestBytes: number;
  /** Blobs in all. Default 100000. */
  readonly blobs: number;
  /** Indexes in indexes, and referrers of referrers. Default 16. */
  readonly depth: number;
}

export const defaultGraphLimits: GraphLimits = {
  manifests: 10_000,
  manifestBytes: 64 * 1024 * 1024,
  blobs: 100_000,
  depth: 16,
};

/** A manifest of the graph, and which of its children are in it too. */
export interface GraphNode {
  readonly manifest: ResolvedManifest;
  readonly children: readonly Descriptor[];
  /** Of 0 is what was asked for, of each next one the referrers of the one before. */
  readonly round: number;
}

/** Which of a manifest's children are wanted. */
export type ChildFilter = (
  manifest: ResolvedManifest,
  children: readonly Descriptor[],
) => readonly Descriptor[];

/** All that manifests lead to, each content once, in an order that depends on nothing but them. */
export class Graph {
  readonly nodes: Map<Digest, GraphNode> = new Map();
  readonly blobs: Map<Digest, Descriptor> = new Map();
  readonly #source: ManifestSource;
  readonly #limits: GraphLimits;
  readonly #sizes = new Map<Digest, number>();
  #bytes = 0;

  constructor(source: ManifestSource, limits: GraphLimits) {
    this.#source = source;
    this.#limits = limits;
  }

  /**
   * Adds what manifests lead to.
   *
   * @throws OciError `LIMIT_EXCEEDED`, `DOCUMENT_INVALID` when one digest is said to have two sizes
   */
  async add(
    roots: readonly Descriptor[],
    { round, filter }: { readonly round: number; readonly filter: ChildFilter },
    options: CallOptions & { readonly concurrency: number },
  ): Promise<void> {
    let level = roots;
    for (let depth = 0; level.length > 0; depth += 1) {
      if (depth > this.#limits.depth) throw this.#tooMuch(`deeper than ${this.#limits.depth}`);
      // The sizes of the roots are a registry's word; those below are the publisher's.
      const isRoot = depth === 0;
      const wanted = level.filter((descriptor) =>
        isRoot ? this.#isNewRoot(descriptor) : this.#isNew(descriptor),
      );
      const manifests = await this.#fetch(wanted, { ...options, isRoot });
      level = wanted.flatMap(({ digest }) => {
        const manifest = manifests.get(digest);
        return manifest ? this.#take(manifest, { round, filter }) : [];
      });
    }
  }

  /** The manifests in the order in which they can be stored: children and subjects first. */
  inOrder(): readonly GraphNode[] {
    const heights = new Map<Digest, number>();
    const heightOf = (digest: Digest): number => {
      const known = heights.get(digest);
      if (known !== undefined) return known;
      const children = this.nodes.get(digest)?.children ?? [];
      const height = 1 + Math.max(-1, ...children.map((child) => heightOf(child.digest)));
      heights.set(digest, height);
      return height;
    };
    return [...this.nodes.values()].sort(
      (a, b) =>
        a.round - b.round ||
        heightOf(a.manifest.descriptor.digest) - heightOf(b.manifest.descriptor.digest),
    );
  }

  /** Manifests that can be stored at once, in turns. */
  turns(): readonly (readonly GraphNode[])[] {
    const stored = new Set<Digest>();
    const turns: GraphNode[][] = [];
    let round = 0;
    for (const node of this.inOrder()) {
      const current = turns.at(-1);
      const fits =
        current && node.round === round && node.children.every(({ digest }) => stored.has(digest));
      if (fits) current.push(node);
      else {
        for (const done of current ?? []) stored.add(done.manifest.descriptor.digest);
        turns.push([node]);
        round = node.round;
      }
    }
    return turns;
  }

  #isNewRoot({ digest, size }: Descriptor): boolean {
    if (this.#sizes.has(digest)) return false;
    this.#sizes.set(digest, size);
    return true;
  }

  #isNew({ digest, size }: Descriptor): boolean {
    const known = this.#sizes.get(digest);
    if (known === undefined) {
      this.#sizes.set(digest, size);
      return true;
    }
    if (known === size) return false;
    throw new OciError('DOCUMENT_INVALID', `${digest} is said to have ${known} and ${size} bytes`, {
      hint: 'The manifests contradict each other: ask who published them.',
      side: 'source',
    });
  }

  async #fetch(
    descriptors: readonly Descriptor[],
    {
      concurrency,
      signal,
      isRoot,
      ...options
    }: CallOptions & { readonly concurrency: number; readonly isRoot: boolean },
  ): Promise<ReadonlyMap<Digest, ResolvedManifest>> {
    const found = new Map<Digest, ResolvedManifest>();
    const total = this.nodes.size + descriptors.length;
    if (total > this.#limits.manifests) throw this.#tooMuch(`${total} manifests`);
    await forEachConcurrent(
      descriptors,
      async (descriptor, signal) => {
        const call = { ...options, signal };
        const manifest = await atSide('source', () =>
          this.#source.fetchManifest(descriptor, call),
        ).catch((error: unknown) => {
          throw isRoot ? error : asMissingChild(error, descriptor);
        });
        this.#bytes += manifest.bytes.byteLength;
        if (this.#bytes > this.#limits.manifestBytes) throw this.#tooMuch('more manifest bytes');
        found.set(descriptor.digest, manifest);
        this.#sizes.set(descriptor.digest, manifest.descriptor.size);
      },
      { limit: concurrency, signal },
    );
    return found;
  }

  /** @returns the manifests below it */
  #take(
    manifest: ResolvedManifest,
    { round, filter }: { readonly round: number; readonly filter: ChildFilter },
  ): readonly Descriptor[] {
    const wanted = filter(manifest, childrenOf(manifest));
    // An index may list what is no manifest, as a blob that is kept with it.
    const isManifest = ({ mediaType }: Descriptor): boolean =>
      manifest.kind === 'index' && isManifestMediaType(mediaType);
    const children = wanted.filter(isManifest);
    this.nodes.set(manifest.descriptor.digest, { manifest, children, round });
    for (const blob of wanted) {
      if (isManifest(blob) || !this.#isNew(blob)) continue;
      this.blobs.set(blob.digest, blob);
      if (this.blobs.size > this.#limits.blobs) throw this.#tooMuch('more blobs');
    }
    return children;
  }

  #tooMuch(what: string): OciError {
    return new OciError('LIMIT_EXCEEDED', `the artifact has ${what} than are copied`, {
      hint: 'Raise the limits of the copy when you trust who published it.',
      side: 'source',
    });
  }
}

/** Some registries do not give out all that an index lists, such as attestations (openshift/oc-mirror#1526). */
function asMissingChild(error: unknown, { digest, platform }: Descriptor): unknown {
  if (!isOciError(error, 'MANIFEST_UNKNOWN', 'NAME_UNKNOWN')) return error;
  const { code, request, registryErrors, side } = error;
  const its = platform ? ` for ${formatPlatform(platform)}` : '';
  return new OciError(
    code,
    `the index lists ${digest}${its}, which is not there: ${error.message}`,
    {
      cause: error,
      request,
      registryErrors,
      side,
      hint: 'Copy only what is there, by its platform.',
      reason: { kind: 'index-incomplete' },
    },
  );
}
