import type { Route } from '@oci/manager';

/** Returns why an artifact is of its registry; without a route the reference names that itself. */
export function reasonFor(route: Route | undefined): string {
  if (!route) return 'as the reference says';
  return route.pattern === undefined ? 'the default' : `by the route "${route.pattern}"`;
}
