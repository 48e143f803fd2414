import {
  type ManifestInfo,
  type OciManager,
  type PackageRepository,
  type PulledArtifact,
} from '@oci/manager';
import { parseReference } from '@oci/spec-types';

import type { OciDependency } from '../kcl/kcl-dependency.js';

/** Where a KCL package is: a repository of a registry, or the usual place of a name in the default one. */
export type PackagePlace = Pick<OciDependency, 'package' | 'registry' | 'repository'>;

/** A pulled package, with what its manifest says of it. */
export interface PulledPackage extends PulledArtifact {
  /** kpm's sum as published; empty without one. */
  readonly sum: string;
}

/** Where the packages of a dependency graph are pulled from. */
export interface KclSource {
  /** The repository that a place stands for; two ways to name one package have the same. */
  locate(place: PackagePlace): PackageRepository;
  /** @throws OciError `POLICY_REFUSED` when a package of `by` must not lead to `place` */
  followLead(place: PackagePlace, by: PackagePlace): Promise<void>;
  versions(place: PackagePlace, signal: AbortSignal): Promise<readonly string[]>;
  /** The manifest of a version, to see what it is. */
  manifest(place: PackagePlace, version: string, signal: AbortSignal): Promise<ManifestInfo>;
  pull(place: PackagePlace, version: string, signal: AbortSignal): Promise<PulledPackage>;
  close(): Promise<void>;
}

/** Where packages are that only have a name: kpm's `KPM_REG` and `KPM_REPO`. */
export interface DefaultPlace {
  readonly registry?: string | undefined;
  /** What stands before the name. */
  readonly repository?: string | undefined;
}

/**
 * Pulls through a manager: what names its registry from there; all else from the registry that its repository has a
 * route to, or else from the default place, or else from the manager's own.
 */
export function managerSource(manager: OciManager, defaults: DefaultPlace = {}): KclSource {
  let opened: OciManager | undefined;
  const byRepository = (): OciManager => (opened ??= manager.byRepository());
  const isRouted = (repository: string): boolean =>
    manager.routeOf(repository).pattern !== undefined;
  const at = (place: PackagePlace): Located => {
    const { package: name } = place;
    // The default place is no way around a route.
    const isKept =
      place.registry === undefined &&
      isRouted(place.repository ?? manager.kclPackagePlace(name).repository);
    const { registry, repository } = isKept ? place : inDefaultPlace(place, defaults);
    return registry === undefined && repository === undefined
      ? { from: manager, name, registry }
      : { from: byRepository(), name: repository ?? name, registry };
  };
  const locate = (place: PackagePlace): PackageRepository => {
    const { from, name, registry } = at(place);
    return from.kclPackagePlace(name, { registry });
  };
  return {
    locate,
    followLead: (place, by) =>
      at(place).from.followLead({ named: locate(place).registry, by: locate(by).registry }),
    versions: async (place, signal) => {
      const { from, name, registry } = at(place);
      return from.listKclVersions(name, { registry, signal });
    },
    manifest: async (place, version, signal) => {
      const { from, registry } = at(place);
      return from.getManifest(locate(place).repository, version, { registry, signal });
    },
    pull: async (place, version, signal) => {
      const { from, name, registry } = at(place);
      const pulled = await from.pullKclPackage(name, version, { registry, signal });
      return { ...pulled, sum: await sumOf(from, pulled, { registry, version, signal }) };
    },
    close: async () => opened?.close(),
  };
}

function inDefaultPlace(
  { package: name, registry, repository }: PackagePlace,
  defaults: DefaultPlace,
): { readonly registry: string | undefined; readonly repository: string | undefined } {
  const usual = defaults.repository === undefined ? undefined : `${defaults.repository}/${name}`;
  return { registry: registry ?? defaults.registry, repository: repository ?? usual };
}

interface Located {
  readonly from: OciManager;
  /** As `from` names it. */
  readonly name: string;
  readonly registry: string | undefined;
}

async function sumOf(
  manager: OciManager,
  { reference }: PulledArtifact,
  {
    registry,
    version,
    signal,
  }: {
    readonly registry: string | undefined;
    readonly version: string;
    readonly signal: AbortSignal;
  },
): Promise<string> {
  const { repository } = parseReference(reference);
  const { annotations } = await manager.getManifest(repository, version, { registry, signal });
  return annotations['org.kcllang.package.sum'] ?? '';
}
