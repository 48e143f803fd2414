import {
  type ManifestInfo,
  type OciManager,
  type PackageRepository,
  type PulledArtifact,
  refuseLeadInside,
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
  refuseLeadInside(place: PackagePlace, by: PackagePlace): Promise<void>;
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
 * Pulls through a manager: what only has a name from the default place, or else the manager's own; all
 * else from where it says.
 */
export function managerSource(manager: OciManager, defaults: DefaultPlace = {}): KclSource {
  let opened: OciManager | undefined;
  const byRepository = (): OciManager => (opened ??= manager.byRepository());
  const at = (place: PackagePlace): Located => {
    const prefix = defaults.repository;
    const usual = prefix === undefined ? undefined : `${prefix}/${place.package}`;
    const repository = place.repository ?? usual;
    const registry = place.registry ?? defaults.registry;
    return registry === undefined && repository === undefined
      ? { from: manager, name: place.package, registry }
      : { from: byRepository(), name: repository ?? place.package, registry };
  };
  const locate = (place: PackagePlace): PackageRepository => {
    const { from, name, registry } = at(place);
    return from.kclPackagePlace(name, { registry });
  };
  return {
    locate,
    refuseLeadInside: async (place, by) => {
      const named = locate(place).registry;
      if (!manager.knowsRegistry(named)) await refuseLeadInside({ named, by: locate(by).registry });
    },
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
