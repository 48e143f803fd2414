import { parseLocation } from '@oci/client/location';
import {
  OciError,
  type Reference,
  type RegistryHost,
  type RepositoryName,
  formatReference,
  parseRepositoryName,
  withDefaultTag,
} from '@oci/spec-types';

import { referenceScheme } from '../command/joined-version.js';

/** Returns the registry that a name without a host belongs to. @throws OciError `POLICY_REFUSED` */
export type RegistryOf = (repository: RepositoryName) => RegistryHost;

/**
 * Reads a reference as users write it, with `docker://` or `oci://` in front or without. Without a host it
 * is of the registry that the configuration has for its name: what is meant for Docker Hub says `docker.io/`.
 *
 * @throws OciError `REFERENCE_INVALID`, `DIGEST_INVALID`
 */
export function readReference(text: string, registryOf: RegistryOf): Reference {
  return withDefaultTag(withRegistry(text, registryOf));
}

/** As {@link readReference}, for a name without a tag or digest. @throws OciError `USAGE` */
export function readRepository(text: string, registryOf: RegistryOf): Reference {
  const reference = withRegistry(text, registryOf);
  if (reference.tag === undefined && reference.digest === undefined) return reference;
  throw new OciError('USAGE', `${text} names one artifact, not a repository`, {
    hint: `Leave out what stands behind the name: ${reference.registry}/${reference.repository}`,
  });
}

/** As {@link readReference}; a name without a tag stays without one. */
export function readRepositoryOrTag(text: string, registryOf: RegistryOf): Reference {
  return withRegistry(text, registryOf);
}

function withRegistry(text: string, registryOf: RegistryOf): Reference {
  const location = parseLocation(text);
  if (location.kind !== 'registry') {
    throw new OciError('USAGE', `${text} is a layout on disk, not a reference of a registry`, {
      hint: 'Only copy and verify read layouts. A reference looks like registry.example/team/name:1.0.0.',
    });
  }
  const { reference } = location;
  const bare = text.replace(referenceScheme, '');
  if (reference.registry !== 'docker.io' || /^(?:index\.)?docker\.io\//i.test(bare))
    return reference;
  const name = bare.split('@')[0]?.replace(/:[^/]*$/, '') ?? '';
  const repository = parseRepositoryName(name);
  return { ...reference, registry: registryOf(repository), repository };
}

/** `host/name:tag`, or `host/name@digest` where the digest decides. */
export function referenceText({ registry, repository, tag, digest }: Reference): string {
  const name = { registry, repository };
  return formatReference(digest ? { ...name, digest } : { ...name, ...(tag && { tag }) });
}
