import { readFile } from 'node:fs/promises';

import { OciError } from '@oci/spec-types';

import type { FreshnessPolicy } from '../freshness.js';
import type { OciManagerOptions } from '../manager.js';
import type { SettingValues } from './settings.js';

/**
 * The options of an `OciManager` for loaded settings.
 *
 * @throws OciError `CONFIG_INVALID` when the CA file can't be read
 */
export async function managerOptions(
  values: SettingValues,
  freshness: Pick<Partial<FreshnessPolicy>, 'offline' | 'refresh'> = {},
): Promise<OciManagerOptions> {
  const ca = values.ca_file === undefined ? undefined : await readCa(values.ca_file);
  return {
    registryUrl: values.registry_url,
    namespace: values.namespace,
    cacheDir: values.cache_dir,
    repositories: values.repositories,
    freshness: { movingTagTtlMs: values['cache.moving_tag_ttl_ms'], ...freshness },
    connection: {
      plainHttp: values.plain_http,
      insecure: values.insecure,
      ...(ca !== undefined && { ca }),
    },
  };
}

async function readCa(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new OciError('CONFIG_INVALID', `the certificate file ${path} can not be read`, { cause });
  }
}
