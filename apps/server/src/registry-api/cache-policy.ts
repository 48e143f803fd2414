import type { RepositoryName } from '@oci/spec-types';

import type { ApiRequest } from './api-request.js';

/**
 * Says how long caches may keep content: by digest for ever, by tag until they have asked again. Content that
 * not everybody may pull stays out of shared caches, and is asked for each time with who asks (RFC 9111,
 * section 3.5).
 */
export function cachePolicy(
  { permits }: ApiRequest,
  name: RepositoryName,
  reference: 'digest' | 'tag',
): Readonly<Record<string, string>> {
  if (!permits.everyone(name))
    return { 'cache-control': 'private, no-cache', vary: 'authorization' };
  const isFixed = reference === 'digest';
  return { 'cache-control': isFixed ? 'public, max-age=31536000, immutable' : 'no-cache' };
}
