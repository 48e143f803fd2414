import {
  OciError,
  type Reference,
  type RegistryHost,
  formatReference,
  parseReference,
  parseRepositoryName,
  withDefaultTag,
} from '@oci/spec-types';

/**
 * Reads a reference as users write it. Without a host it is of the configured registry: what is meant
 * for Docker Hub says `docker.io/`.
 *
 * @throws OciError `REFERENCE_INVALID`, `DIGEST_INVALID`
 */
export function readReference(text: string, registry: RegistryHost): Reference {
  return withDefaultTag(withRegistry(text, registry));
}

/** As {@link readReference}, for a name without a tag or digest. @throws OciError `USAGE` */
export function readRepository(text: string, registry: RegistryHost): Reference {
  const reference = withRegistry(text, registry);
  if (reference.tag === undefined && reference.digest === undefined) return reference;
  throw new OciError('USAGE', `${text} names one artifact, not a repository`, {
    hint: `Leave out what stands behind the name: ${reference.registry}/${reference.repository}`,
  });
}

/** As {@link readReference}; a name without a tag stays without one. */
export function readRepositoryOrTag(text: string, registry: RegistryHost): Reference {
  return withRegistry(text, registry);
}

function withRegistry(text: string, registry: RegistryHost): Reference {
  const reference = parseReference(text);
  if (reference.registry !== 'docker.io' || /^(?:index\.)?docker\.io\//i.test(text))
    return reference;
  const name = text.split('@')[0]?.replace(/:[^/]*$/, '') ?? '';
  return { ...reference, registry, repository: parseRepositoryName(name) };
}

/** `host/name:tag`, or `host/name@digest` where the digest decides. */
export function referenceText({ registry, repository, tag, digest }: Reference): string {
  const name = { registry, repository };
  return formatReference(digest ? { ...name, digest } : { ...name, ...(tag && { tag }) });
}
