import type { ManifestKey } from '@oci/cache';
import { type RegistryHost, type RepositoryName, type Tag, tagOfVersion } from '@oci/spec-types';

/** What a manifest is asked for by. */
export interface ManifestName {
  readonly registry: RegistryHost;
  readonly repository: RepositoryName;
  readonly tag: Tag;
}

/** @throws OciError `REFERENCE_INVALID` */
export function manifestName(
  { host }: { readonly host: RegistryHost },
  repository: RepositoryName,
  version: string,
): ManifestName {
  return { registry: host, repository, tag: tagOfVersion(version) };
}

/** The key of a manifest in memory. */
export function memoryKey(name: ManifestName): ManifestKey {
  return { registry: name.registry, repository: name.repository, reference: name.tag };
}
