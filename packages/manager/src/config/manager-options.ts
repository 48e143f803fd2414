import type { RetentionPolicy } from '@oci/cache';
import { dockerConfigHeaders } from '@oci/client/credentials';
import type { RegistryHost } from '@oci/spec-types';

import type { FreshnessPolicy } from '../freshness.js';
import type { OciManagerOptions } from '../oci-manager-options.js';
import type { RegistrySettings } from '../registry-set.js';
import { configuredCredentials } from './host-credentials.js';
import { type RegistryLookup, lookupOf, readPem } from './host-files.js';
import type { Settings } from './load.js';
import { routeOptions } from './configured-routes.js';
import type { SettingValues } from './settings.js';
import { trustRules } from './trust-settings.js';

/**
 * The options of an `OciManager` for loaded settings.
 *
 * @throws OciError `CONFIG_INVALID` when a file that they name can't be read
 */
export async function managerOptions(
  { values }: Pick<Settings, 'values'>,
  freshness: Pick<Partial<FreshnessPolicy>, 'offline' | 'refresh'> = {},
): Promise<OciManagerOptions> {
  const ca = values.ca_file === undefined ? undefined : await readPem(values.ca_file);
  const lookups = [await lookupOf(values)];
  if (values.registries_conf !== undefined) {
    const { lookupRegistriesConf } = await import('./registries-conf.js');
    lookups.push(await lookupRegistriesConf(values.registries_conf));
  }
  if (values.certs_dir !== undefined) {
    const { lookupCertsDir } = await import('./certs-dir.js');
    lookups.push(await lookupCertsDir(values.certs_dir));
  }
  return {
    ...routeOptions(values),
    namespace: values.namespace,
    cacheDir: values.cache_dir,
    repositories: values.repositories,
    freshness: {
      movingTagTtlMs: values['cache.moving_tag_ttl_ms'],
      staleIfErrorMs: values['cache.stale_if_error_ms'],
      ...freshness,
    },
    fsync: values['cache.fsync'],
    retention: { policy: retentionPolicy(values), everyMs: values['cache.prune_every_ms'] },
    credentials: configuredCredentials(values.credentials),
    registries: (host) => merged(lookups, host),
    trust: trustRules(values.trust),
    connection: {
      plainHttp: values.plain_http,
      insecure: values.insecure,
      tokenCacheFile: values.token_cache_file,
      headers: dockerConfigHeaders(),
      ...(ca !== undefined && { ca }),
    },
  };
}

/** What may stay in the cache, as the settings say. */
export function retentionPolicy(values: SettingValues): RetentionPolicy {
  return {
    maxAgeDays: values['cache.max_age_days'],
    maxUnusedDays: values['cache.max_unused_days'],
    maxVersionsPerPackage: values['cache.max_versions'],
    maxBytes: values['cache.max_size'],
  };
}

/** Of each thing, what the first place says that says something of it. */
function merged(lookups: readonly RegistryLookup[], host: RegistryHost): RegistrySettings {
  const entries = lookups.flatMap((lookup) => Object.entries(lookup(host) ?? {}));
  const said = entries.filter(([, value]) => value !== undefined);
  return Object.fromEntries(said.reverse()) as RegistrySettings;
}
