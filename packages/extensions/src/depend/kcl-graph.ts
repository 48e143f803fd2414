import { posix } from 'node:path';

import { readPulled } from '@oci/manager';
import { type EventListener, OciError, type RegistryHost } from '@oci/spec-types';

import { readArchiveFiles } from '../extract/archive-files.js';
import { withPackage } from '../extract/archive-rule.js';
import type { KclDependency, OciDependency, PathDependency } from '../kcl/kcl-dependency.js';
import type { LockedPackage } from '../kcl/kcl-lock.js';
import { type KclMod, parseKclMod } from '../kcl/kcl-mod.js';
import {
  type Choice,
  type Graph,
  type Loaded,
  type PackageProvider,
  type Requirement,
  resolveGraph,
} from './graph.js';
import { type Candidates, newestWanted } from './newest.js';
import type { KclSource, PackagePlace, PulledPackage } from './kcl-source.js';

/** A package that another one needs, pulled. */
export interface ResolvedPackage {
  /** What it is imported by. */
  readonly name: string;
  readonly place: PackagePlace;
  readonly pulled: PulledPackage;
  readonly mod: KclMod;
}

export type KclGraph = Graph<ResolvedPackage>;

export interface KclGraphOptions {
  /** What `kcl.mod.lock` holds: its versions stay while they fit. */
  readonly locked?: ReadonlyMap<string, LockedPackage> | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Hears which versions were passed over, and why. */
  readonly onEvent?: EventListener | undefined;
}

/**
 * Every package that a `kcl.mod` needs, directly or not, one version of each, pulled in parallel.
 *
 * @throws OciError `DEPENDENCY_CONFLICT`, `DIGEST_MISMATCH` for a pin that does not hold, `UNSUPPORTED` for
 * git, and what pulling can fail with
 */
export async function resolveKclGraph(
  mod: KclMod,
  source: KclSource,
  options: KclGraphOptions = {},
): Promise<KclGraph> {
  const packages = new KclPackages(mod, source, options);
  const root = { name: mod.name, requirements: packages.requirements(mod, mod.name) };
  const graph = await resolveGraph<ResolvedPackage>(root, packages, {
    preferred: (id) => packages.locked(id),
    signal: options.signal,
  });
  refuseSameNames(graph);
  for (const { id, content } of graph.nodes) refuseOtherDigest(content, packages.get(id));
  return graph;
}

/** The packages of a graph, by what they were first needed as. */
class KclPackages implements PackageProvider<ResolvedPackage> {
  readonly #source: KclSource;
  readonly #options: KclGraphOptions;
  readonly #seen = new Map<string, OciDependency>();
  readonly #idOf: (place: PackagePlace) => string;
  /** What the root names is the user's own word. */
  readonly #named: ReadonlySet<RegistryHost | undefined>;

  constructor(root: KclMod, source: KclSource, options: KclGraphOptions) {
    this.#source = source;
    this.#options = options;
    this.#idOf = packageId(source);
    this.#named = new Set(root.dependencies.filter(isOfRegistry).map(({ registry }) => registry));
  }

  requirements(of: KclMod, by: string): readonly Requirement[] {
    return of.dependencies.filter(isFetched).map((dependency) => this.#require(dependency, by));
  }

  get(id: string): OciDependency {
    const dependency = this.#seen.get(id);
    if (!dependency) throw new OciError('INTERNAL', `${id} is needed by nobody`);
    return dependency;
  }

  /** Returns the version that `kcl.mod.lock` holds. */
  locked(id: string): string | undefined {
    return this.#options.locked?.get(this.#seen.get(id)?.name ?? '')?.version;
  }

  versions(id: string, signal: AbortSignal): Promise<readonly string[]> {
    return this.#source.versions(this.get(id), signal);
  }

  choose(
    id: string,
    { versions, ranges }: Choice,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const place = this.get(id);
    const { registry, repository } = this.#source.locate(place);
    const candidates: Candidates = {
      wanted: 'kcl',
      name: `${registry}/${repository}`,
      versions,
      manifest: (version) => this.#source.manifest(place, version, signal),
      onEvent: this.#options.onEvent,
    };
    return newestWanted(candidates, ...ranges);
  }

  async load(id: string, version: string, signal: AbortSignal): Promise<Loaded<ResolvedPackage>> {
    const place = this.get(id);
    const pull = (): Promise<PulledPackage> => this.#source.pull(place, version, signal);
    const { pulled, mod } = await readPulled(pull, async (found) => ({
      pulled: found,
      mod: await modOf(found, signal),
    }));
    for (const needed of mod.dependencies.filter(isOfRegistry))
      if (!this.#named.has(needed.registry)) await this.#source.followLead(needed, place);
    const content = { name: place.name, place, pulled, mod };
    return { content, requirements: this.requirements(mod, `${id} ${version}`) };
  }

  #require(dependency: Exclude<KclDependency, PathDependency>, by: string): Requirement {
    if (dependency.kind === 'git') {
      throw new OciError('UNSUPPORTED', `${dependency.name}, which ${by} needs, comes from git`, {
        hint: 'Only packages of registries are fetched. Publish it in a registry, or use kpm.',
        reason: { kind: 'dependency-from-git' },
      });
    }
    const id = this.#idOf(dependency);
    const known = this.#seen.get(id);
    // A pin of any of those who need it counts.
    if (!known || known.digest === undefined)
      this.#seen.set(id, { ...dependency, name: known?.name ?? dependency.name });
    return { id, range: dependency.version };
  }
}

/**
 * Names packages: by the repository, for two registries may have packages of one name (kcl-lang/kpm#384); by
 * the name alone where that is the usual place of it, however it is written (kcl-lang/kpm#598).
 */
function packageId(source: KclSource): (place: PackagePlace) => string {
  const keyOf = (place: PackagePlace): string => {
    const { registry, repository } = source.locate(place);
    return `${registry}/${repository}`;
  };
  return (place) => {
    const key = keyOf(place);
    const name = posix.basename(key);
    const usual = { package: name, registry: undefined, repository: undefined };
    return keyOf(usual) === key ? name : key;
  };
}

function isOfRegistry(dependency: KclDependency): dependency is OciDependency {
  return dependency.kind === 'oci';
}

/** What is within the package comes with it; what is not was warned of. */
function isFetched(
  dependency: KclDependency,
): dependency is Exclude<KclDependency, PathDependency> {
  return dependency.kind !== 'path';
}

async function modOf(pulled: PulledPackage, signal: AbortSignal): Promise<KclMod> {
  const files = await readArchiveFiles(pulled.path, ['kcl.mod'], { signal }).catch(
    withPackage(pulled.reference),
  );
  const text = files.get('kcl.mod');
  if (text) return parseKclMod(text.toString('utf8'));
  throw new OciError('EXTENSION_INVALID', `${pulled.reference} has no kcl.mod`, {
    hint: 'It is no KCL package.',
  });
}

function refuseSameNames({ nodes }: KclGraph): void {
  const names = new Map<string, string>();
  for (const { id, content } of nodes) {
    const other = names.get(content.name);
    if (other !== undefined) {
      throw new OciError(
        'DEPENDENCY_CONFLICT',
        `two packages are imported by the name ${content.name}: ${other} and ${id}`,
        { hint: 'Import one of them by another name: other = { oci = "…", tag = "…" }.' },
      );
    }
    names.set(content.name, id);
  }
}

function refuseOtherDigest({ pulled }: ResolvedPackage, { name, digest }: OciDependency): void {
  if (digest === undefined || digest === pulled.manifestDigest) return;
  throw new OciError(
    'DIGEST_MISMATCH',
    `${pulled.reference} is ${pulled.manifestDigest}, and kcl.mod pins ${name} to ${digest}`,
    { hint: 'The version was published again. Do not use it before you know why.' },
  );
}
