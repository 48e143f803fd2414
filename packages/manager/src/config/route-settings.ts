import { asOciError } from '@oci/spec-types';

import { type RouteOptions, RouteTable } from '../routes/route-table.js';
import { isTable } from './table.js';
import { type ValueKind, type ValuePlace, invalidValue, parseJson } from './value-kind.js';

/** Registries by the pattern of their repositories. */
export type RouteSettings = ReadonlyMap<string, string>;

/** `[orchestrator.oci.routes]`, checked as far as it can be without the other settings. */
export const routeSettings: ValueKind<RouteSettings> = {
  expected: 'a table of registries by patterns of repositories; in the environment, JSON',
  read: (value, place) => (isTable(value) ? readRoutes(value, place) : undefined),
  fromText: parseJson,
};

function readRoutes(table: Readonly<Record<string, unknown>>, place: ValuePlace): RouteSettings {
  const routes = new Map<string, string>();
  for (const [pattern, registry] of Object.entries(table)) {
    const at = { ...place, key: `${place.key}."${pattern}"` };
    if (typeof registry !== 'string')
      throw invalidValue(at, 'has to be a registry: host[:port] or a URL');
    routes.set(pattern, registry);
    // Each on its own, so that the message names the one that is wrong.
    valid({ registryUrl: registry, routes: { [pattern]: registry } }, at);
  }
  valid({ registryUrl: 'localhost', routes: Object.fromEntries(routes) }, place);
  return routes;
}

function valid(options: RouteOptions, place: ValuePlace): void {
  try {
    void new RouteTable(options);
  } catch (cause) {
    throw invalidValue(place, `cannot be used: ${asOciError(cause).message}`, cause);
  }
}
