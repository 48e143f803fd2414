import { type Digest, type Reference, type Tag, parseReference, parseTag } from '@oci/spec-types';

import { dockerConfigCredentials } from './credentials/docker-config.js';
import { type Registry, createRegistry } from './registry.js';
import type { RegistryOptions } from './registry-options.js';
import { checkRegistryOptions } from './registry-options-check.js';
import type { RemoteRepository } from './repository/remote-repository.js';

/** A repository that was opened by a reference, with connections of its own. */
export interface OpenedRepository extends AsyncDisposable {
  readonly registry: Registry;
  readonly repository: RemoteRepository;
  /** As it was named. */
  readonly reference: Reference;
  /** What it names there: the digest, else the tag, else `latest`. */
  readonly tagOrDigest: Tag | Digest;
  /** Ends all connections; requests that run fail. */
  close(): Promise<void>;
}

/**
 * Opens the repository that a reference names, as in `ghcr.io/team/tool:1.0`. Nothing is connected before
 * its first request. Credentials are those of docker's and podman's configuration unless others are given.
 *
 * @param options of the registry; HTTPS, and HTTP for loopback or with `plainHttp`
 * @throws OciError `REFERENCE_INVALID`, `DIGEST_INVALID`, `USAGE`, `CONFIG_INVALID`
 */
export function openRepository(
  reference: string,
  options: Omit<RegistryOptions, 'url'> = {},
): OpenedRepository {
  checkRegistryOptions(options);
  const { credentials = dockerConfigCredentials(), ...rest } = options;
  const parsed = parseReference(reference);
  const registry = createRegistry({ ...rest, credentials, url: parsed.registry });
  const close = (): Promise<void> => registry.close();
  return {
    registry,
    repository: registry.repository(parsed.repository),
    reference: parsed,
    tagOrDigest: parsed.digest ?? parsed.tag ?? parseTag('latest'),
    close,
    [Symbol.asyncDispose]: close,
  };
}
