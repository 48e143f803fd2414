import { OciError, type ResolvedManifest, type Tag, registryPaths } from '@oci/spec-types';

import { header } from '../transport/exchange.js';
import { type Endpoint, type RemoteOptions, call } from './endpoint.js';

/** Stores a manifest under its digest, or under a tag; the bytes go as they are. */
export async function pushManifest(
  endpoint: Endpoint,
  manifest: ResolvedManifest,
  options: RemoteOptions & { readonly tag?: Tag | undefined },
): Promise<void> {
  const { tag, ...rest } = options;
  const { digest } = manifest.descriptor;
  const response = await call(endpoint, {
    ...rest,
    method: 'PUT',
    target: registryPaths.manifest(endpoint.name, tag ?? digest),
    headers: { 'content-type': manifest.mediaType },
    body: manifest.bytes,
    subject: { name: `${endpoint.name}${tag ? `:${tag}` : `@${digest}`}`, missing: 'NAME_UNKNOWN' },
    expected: [201],
  });
  await response.body.dump();
  const stored = header(response, 'docker-content-digest');
  if (stored === undefined || stored === digest || !stored.startsWith('sha256:')) return;
  throw new OciError(
    'DIGEST_MISMATCH',
    `pushed ${digest}, the registry stored ${stored.slice(0, 200)}`,
    {
      hint: 'The registry rewrites manifests; signatures and pins by digest will not hold there.',
    },
  );
}
