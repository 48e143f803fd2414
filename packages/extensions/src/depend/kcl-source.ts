import type { OciManager, PulledArtifact } from '@oci/manager';
import { OciError } from '@oci/spec-types';

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
  versions(place: PackagePlace, signal: AbortSignal): Promise<readonly string[]>;
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
  const others = new Map<string, OciManager>();
  const at = ({ registry, repository, package: name }: PackagePlace) => {
    const prefix = defaults.repository;
    const usual = prefix === undefined ? undefined : `${prefix}/${name}`;
    const path = repository ?? usual;
    const host = registry ?? defaults.registry;
    if (host === undefined && path === undefined) return { manager, name };
    const other = others.get(host ?? '') ?? manager.elsewhere(host);
    others.set(host ?? '', other);
    return { manager: other, name: path ?? name };
  };
  return {
    versions: async (place, signal) => {
      const { manager: from, name } = at(place);
      return from.listKclVersions(name, { signal });
    },
    pull: async (place, version, signal) => {
      const { manager: from, name } = at(place);
      const pulled = await from.pullKclPackage(name, version, { signal });
      return { ...pulled, sum: await sumOf(from, pulled, { version, signal }) };
    },
    close: async () => {
      for (const other of others.values()) await other.close();
    },
  };
}

async function sumOf(
  manager: OciManager,
  { reference }: PulledArtifact,
  { version, signal }: { readonly version: string; readonly signal: AbortSignal },
): Promise<string> {
  const repository = /^[^/]+\/(.+):[^:/]+$/.exec(reference)?.[1];
  if (repository === undefined) throw new OciError('INTERNAL', `${reference} has no repository`);
  const { annotations } = await manager.getManifest(repository, version, { signal });
  return annotations['org.kcllang.package.sum'] ?? '';
}
