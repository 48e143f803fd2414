import { isRepositoryName } from '@oci/spec-types';

import type { TokenGrant } from './auth-options.js';
import { requestRoute } from './request-route.js';

/** What a request needs: nothing for the base, several scopes for a mount. */
export function neededScopes(method: string, url: URL): readonly TokenGrant[] {
  const route = requestRoute(url);
  if (route?.endpoint === 'catalog') return [{ type: 'registry', name: 'catalog', actions: ['*'] }];
  if (!route || !('name' in route)) return [];
  const target = {
    type: 'repository',
    name: route.name,
    actions: actionsFor(method, route.endpoint),
  };
  const from = url.searchParams.get('from');
  if (!url.searchParams.has('mount') || from === null || !isRepositoryName(from)) return [target];
  return [target, { type: 'repository', name: from, actions: ['pull'] }];
}

function actionsFor(method: string, endpoint: string): readonly string[] {
  if (endpoint === 'upload' || endpoint === 'uploads') return ['pull', 'push'];
  if (method === 'GET' || method === 'HEAD') return ['pull'];
  return method === 'DELETE' ? ['delete'] : ['pull', 'push'];
}
