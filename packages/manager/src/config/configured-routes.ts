import { OciError, asOciError } from '@oci/spec-types';

import { type RouteOptions, RouteTable } from '../routes/route-table.js';
import type { SettingValues } from './settings.js';

/** The options of a manager about which registry a name belongs to. */
export function routeOptions(values: SettingValues): RouteOptions {
  return {
    registryUrl: values.registry_url,
    routes: Object.fromEntries(values.routes),
    routesOnly: values.routes_only,
  };
}

/**
 * Returns the registries that names belong to by loaded settings.
 *
 * @throws OciError `CONFIG_INVALID` for a `registry_url` that is none, or that contradicts a route
 */
export function routeTable(values: SettingValues): RouteTable {
  try {
    return new RouteTable(routeOptions(values));
  } catch (cause) {
    const { message, hint } = asOciError(cause);
    throw new OciError('CONFIG_INVALID', `registry_url and routes: ${message}`, { cause, hint });
  }
}
