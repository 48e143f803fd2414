import { posix } from 'node:path';

import { type EventListener, OciError } from '@oci/spec-types';

import { readArchiveFiles } from '../extract/archive-files.js';
import { withPackage } from '../extract/archive-rule.js';
import type { KclDependency, OciDependency } from '../kcl/kcl-dependency.js';
import type { LockedPackage } from '../kcl/kcl-lock.js';
import { type KclMod, parseKclMod } from '../kcl/kcl-mod.js';
import { type Graph, type Requirement, resolveGraph } from './graph.js';
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

/**
 * Every package that a `kcl.mod` needs, directly or not, one version of each, pulled in parallel.
 *
 * @param options.locked what `kcl.mod.lock` holds: its versions stay while they fit
 * @throws OciError `DEPENDENCY_CONFLICT`, `DIGEST_MISMATCH` for a pin that does not hold, `UNSUPPORTED` for
 * git, and what pulling can fail with
 */
export async function resolveKclGraph(
  mod: KclMod,
  source: KclSource,
  options: {
    readonly locked?: ReadonlyMap<string, LockedPackage> | undefined;
    readonly signal?: AbortSignal | undefined;
    /** Hears which versions were passed over, and why. */
    readonly onEvent?: EventListener | undefined;
  } = {},
): Promise<KclGraph> {
  const seen = new Map<string, OciDependency>();
  const idOf = packageId(source);
  const requirements = (of: KclMod, by: string): readonly Requirement[] =>
    of.dependencies.flatMap((dependency) => requirementOf(dependency, { by, seen, idOf }));
  // What the root names is the user's own word.
  const named = new Set(mod.dependencies.filter(isOfRegistry).map(({ registry }) => registry));
  const isKnown = ({ registry }: PackagePlace): boolean => named.has(registry);
  const root = { name: mod.name, requirements: requirements(mod, mod.name) };
  const dependencyOf = (id: string): OciDependency => {
    const dependency = seen.get(id);
    if (!dependency) throw new OciError('INTERNAL', `${id} is needed by nobody`);
    return dependency;
  };
  const graph = await resolveGraph<ResolvedPackage>(
    root,
    {
      versions: (id, signal) => source.versions(dependencyOf(id), signal),
      choose: (id, { versions, ranges }, signal) => {
        const place = dependencyOf(id);
        const { registry, repository } = source.locate(place);
        const candidates: Candidates = {
          wanted: 'kcl',
          name: `${registry}/${repository}`,
          versions,
          manifest: (version) => source.manifest(place, version, signal),
          onEvent: options.onEvent,
        };
        return newestWanted(candidates, ...ranges);
      },
      load: async (id, version, signal) => {
        const place = dependencyOf(id);
        const pulled = await source.pull(place, version, signal);
        const loaded = await modOf(pulled, signal);
        for (const needed of loaded.dependencies.filter(isOfRegistry))
          if (!isKnown(needed)) await source.refuseLeadInside(needed, place);
        const content = { name: place.name, place, pulled, mod: loaded };
        return { content, requirements: requirements(loaded, `${id} ${version}`) };
      },
    },
    {
      preferred: (id) => options.locked?.get(seen.get(id)?.name ?? '')?.version,
      signal: options.signal,
    },
  );
  refuseSameNames(graph);
  for (const node of graph.nodes) refuseOtherDigest(node.content, dependencyOf(node.id));
  return graph;
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

function requirementOf(
  dependency: KclDependency,
  {
    by,
    seen,
    idOf,
  }: {
    readonly by: string;
    readonly seen: Map<string, OciDependency>;
    readonly idOf: (place: PackagePlace) => string;
  },
): readonly Requirement[] {
  // What is within the package comes with it; what is not was warned of.
  if (dependency.kind === 'path') return [];
  if (dependency.kind === 'git') {
    throw new OciError('UNSUPPORTED', `${dependency.name}, which ${by} needs, comes from git`, {
      hint: 'Only packages of registries are fetched. Publish it in a registry, or use kpm.',
      reason: { kind: 'dependency-from-git' },
    });
  }
  const id = idOf(dependency);
  const known = seen.get(id);
  // A pin of any of those who need it counts.
  if (!known || known.digest === undefined)
    seen.set(id, { ...dependency, name: known?.name ?? dependency.name });
  return [{ id, range: dependency.version }];
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
