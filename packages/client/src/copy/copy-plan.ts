import {
  type CallOptions,
  type Descriptor,
  type Digest,
  OciError,
  type Platform,
  type ReadableRepository,
  type ResolvedManifest,
  type Tag,
  isDigest,
  mediaTypes,
  parseImageConfig,
} from '@oci/spec-types';
import { forEachConcurrent, readBytes } from '@oci/spec-types/node';

import { canFetchByName, withoutMirrors } from './ability.js';
import type { CheckedCopyOptions } from './copy-arguments.js';
import type { LeftBehind } from './copy-options.js';
import { type ChildFilter, Graph, defaultGraphLimits } from './graph.js';
import { entriesFor, entryFor, isPlatform, notOffered } from './platform-choice.js';
import { ReferrerWalk, type Sidecar } from './referrer-walk.js';
import { atSide } from './side.js';

/** All that a copy will bring, known before anything is written. */
export interface CopyPlan {
  readonly graph: Graph;
  readonly root: ResolvedManifest;
  readonly sidecars: readonly Sidecar[];
  /** Referrers, by whichever scheme, that come along. */
  readonly referrers: number;
  readonly left: Omit<LeftBehind, 'referrers'>;
  /** Looks how many referrers stay behind, which the copy does not need to know; 0 when that fails. */
  readonly countReferrers: (signal: AbortSignal) => Promise<number>;
}

const foreignLayerTypes: ReadonlySet<string> = new Set([
  mediaTypes.nondistributableLayerTar,
  mediaTypes.nondistributableLayerTarGzip,
  mediaTypes.nondistributableLayerTarZstd,
  'application/vnd.docker.image.rootfs.foreign.diff.tar',
  'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
]);

/** Finds out what belongs to an artifact. @throws OciError with `side: 'source'` */
export async function planCopy(
  source: ReadableRepository,
  reference: Tag | Digest,
  options: CheckedCopyOptions,
): Promise<CopyPlan> {
  const planning = new Planning(source, options);
  return atSide('source', () => planning.plan(reference));
}

class Planning {
  readonly #source: ReadableRepository;
  readonly #options: CheckedCopyOptions;
  readonly #graph: Graph;
  readonly #walk: ReferrerWalk;
  readonly #left = { platforms: 0, foreignLayers: 0 };
  /** Manifests that came before the graph asked for them. */
  readonly #fetched = new Map<Digest, ResolvedManifest>();
  readonly #sidecars: Sidecar[] = [];
  #referrers = 0;

  constructor(source: ReadableRepository, options: CheckedCopyOptions) {
    this.#source = source;
    this.#options = options;
    const known = { fetchManifest: this.#fetch.bind(this) };
    this.#graph = new Graph(known, { ...defaultGraphLimits, ...options.limits });
    this.#walk = new ReferrerWalk(source);
  }

  async plan(reference: Tag | Digest): Promise<CopyPlan> {
    const asked = await atSide('source', () => this.#resolve(reference));
    if (isDigest(reference) && asked.digest !== reference)
      throw new OciError('DIGEST_MISMATCH', `asked for ${reference}, got ${asked.digest}`, {
        side: 'source',
      });
    const root = await this.#choose(asked);
    await this.#add([root], 0);
    const { referrers = false } = this.#options;
    if (referrers === true) await this.#addReferrers();
    const manifest = this.#graph.nodes.get(root.digest)?.manifest;
    if (!manifest) throw new OciError('INTERNAL', `${root.digest} is not in its own graph`);
    return {
      graph: this.#graph,
      root: manifest,
      sidecars: this.#sidecars,
      referrers: this.#referrers,
      left: this.#left,
      countReferrers: async (signal) =>
        referrers === false ? this.#countReferrers(root, signal) : 0,
    };
  }

  async #resolve(reference: Tag | Digest): Promise<Descriptor> {
    // The target may be the source's own mirror, and its tag the old one that is to be replaced.
    const source = withoutMirrors(this.#source);
    const call = this.#call;
    if (isDigest(reference) || !canFetchByName(source)) return source.resolve(reference, call);
    const manifest = await source.fetch(reference, call);
    this.#fetched.set(manifest.descriptor.digest, manifest);
    return manifest.descriptor;
  }

  async #fetch(descriptor: Descriptor, call: CallOptions): Promise<ResolvedManifest> {
    const known = this.#fetched.get(descriptor.digest);
    if (known) return known;
    const manifest = await this.#source.fetchManifest(descriptor, call);
    this.#fetched.set(descriptor.digest, manifest);
    return manifest;
  }

  get #call(): CallOptions {
    const { signal, onEvent } = this.#options;
    return { signal, onEvent };
  }

  /** The manifest for the one platform that is wanted; all of it without such a wish. */
  async #choose(asked: Descriptor): Promise<Descriptor> {
    const { platform } = this.#options;
    if (!platform) return asked;
    let descriptor = asked;
    for (let depth = 0; depth < 4; depth += 1) {
      const manifest = await atSide('source', () => this.#fetch(descriptor, this.#call));
      if (manifest.kind === 'image') {
        await this.#checkPlatform(manifest, platform);
        return manifest.descriptor;
      }
      const { mediaType, digest, size } = entryFor(manifest, platform);
      descriptor = { mediaType, digest, size };
    }
    throw new OciError('LIMIT_EXCEEDED', 'the platform is too many indexes deep', {
      side: 'source',
    });
  }

  /** An image says in its config where it runs; an artifact runs nowhere. */
  async #checkPlatform(
    manifest: ResolvedManifest & { readonly kind: 'image' },
    wanted: Platform,
  ): Promise<void> {
    const { config } = manifest.document;
    const imageTypes: readonly string[] = [mediaTypes.imageConfig, mediaTypes.dockerConfig];
    if (!config || !imageTypes.includes(config.mediaType) || config.size > largestConfig) return;
    const bytes = await atSide('source', async () =>
      readBytes(await this.#source.fetchBlob(config, { signal: this.#options.signal }), {
        limit: largestConfig,
        what: `the config ${config.digest}`,
      }),
    );
    const offered = platformOf(bytes);
    if (!offered || isPlatform(offered, wanted)) return;
    throw notOffered(wanted, [{ ...manifest.descriptor, platform: offered }]);
  }

  async #add(descriptors: readonly Descriptor[], round: number): Promise<void> {
    const { concurrency } = this.#options;
    await this.#graph.add(
      descriptors,
      { round, filter: this.#filter },
      { ...this.#call, concurrency },
    );
  }

  readonly #filter: ChildFilter = (manifest, children) => {
    const { platforms, foreignLayers = 'leave' } = this.#options;
    if (manifest.kind === 'index') {
      if (!platforms || !manifest.document.manifests.some((entry) => entry.platform))
        return children;
      const chosen = entriesFor(manifest, platforms);
      this.#left.platforms += children.length - chosen.length;
      return chosen;
    }
    if (foreignLayers === 'copy') return children;
    const kept = children.filter(({ mediaType }) => !foreignLayerTypes.has(mediaType));
    this.#left.foreignLayers += children.length - kept.length;
    return kept;
  };

  /** The referrers of every manifest, and theirs, until there are no more. */
  async #addReferrers(): Promise<void> {
    const { concurrency, signal } = this.#options;
    const { depth } = { ...defaultGraphLimits, ...this.#options.limits };
    const done = new Set<Digest>();
    for (let round = 1; ; round += 1) {
      const subjects = [...this.#graph.nodes.keys()].filter((digest) => !done.has(digest));
      if (subjects.length === 0) return;
      if (round > depth) {
        throw new OciError('LIMIT_EXCEEDED', `referrers refer to each other ${depth} deep`, {
          hint: 'Raise the limits of the copy when you trust who published them.',
          side: 'source',
        });
      }
      const found = new Map<Digest, Attached>();
      await forEachConcurrent(
        subjects,
        async (digest, signal) => {
          found.set(digest, await this.#attachedTo(digest, { ...this.#call, signal }));
        },
        { limit: concurrency, signal },
      );
      // In the order of the subjects, whoever answered first.
      const attached = subjects.map((digest) => found.get(digest) ?? nothing);
      const descriptors = attached.flatMap(attachments);
      const { nodes } = this.#graph;
      const fresh = descriptors.filter(({ digest }) => !nodes.has(digest));
      this.#referrers += new Set(fresh.map(({ digest }) => digest)).size;
      this.#sidecars.push(...attached.flatMap(({ sidecars }) => sidecars));
      for (const digest of subjects) done.add(digest);
      await this.#add(descriptors, round);
    }
  }

  async #attachedTo(digest: Digest, call: CallOptions): Promise<Attached> {
    const referrers = await this.#walk.referrersOf({ digest }, call);
    return { referrers, sidecars: await this.#walk.sidecarsOf({ digest }, call) };
  }

  /** A look that may fail: the copy is whole without it. */
  async #countReferrers(root: Descriptor, signal: AbortSignal): Promise<number> {
    try {
      return attachments(await this.#attachedTo(root.digest, { ...this.#call, signal })).length;
    } catch {
      return 0;
    }
  }
}

/** What is about one manifest. */
interface Attached {
  readonly referrers: readonly Descriptor[];
  readonly sidecars: readonly Sidecar[];
}

const nothing: Attached = { referrers: [], sidecars: [] };

function attachments({ referrers, sidecars }: Attached): readonly Descriptor[] {
  return [...referrers, ...sidecars.map(({ descriptor }) => descriptor)];
}

/** Bytes of a config that are read to learn its platform. */
const largestConfig = 4 * 1024 * 1024;

function platformOf(bytes: Uint8Array): Platform | undefined {
  try {
    const { os, architecture, variant } = parseImageConfig(bytes);
    return { os, architecture, ...(typeof variant === 'string' && variant !== '' && { variant }) };
  } catch {
    return undefined;
  }
}
