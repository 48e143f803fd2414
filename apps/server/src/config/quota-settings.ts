import { type ValuePlace, invalidValue, readTable } from '@oci/manager/config';

import type { Quota } from '../hosted/quota/quota.js';
import type { LoadedServerSettings } from './server-settings.js';
import { matching, tablesOf } from './setting-tables.js';

/** Quotas that a repository is compared with. */
const mostQuotas = 1000;

const namespace = matching(
  /^(?=.{1,255}$)(?:\*|[a-z0-9]+(?:[._-]+[a-z0-9]+)*)(?:\/(?:\*|[a-z0-9]+(?:[._-]+[a-z0-9]+)*))*$/,
  'the first components of names of repositories, as team or team/*; * stands for a whole one',
);

const quotaFields = {
  namespace: { required: namespace },
  max_bytes: { required: 'bytes' },
} as const;

/** Reads `server.quotas`. @throws OciError `CONFIG_INVALID` */
export function quotaOptions(settings: LoadedServerSettings): readonly Quota[] {
  const quotas = tablesOf('server.quotas', settings, 'docs/storage.md').map(({ table, place }) => {
    const { namespace: name, max_bytes: maxBytes } = readTable(table, place, quotaFields);
    return { place, quota: { namespace: name, maxBytes } };
  });
  quotas.forEach(({ place, quota }, at) => {
    if (at >= mostQuotas) throw invalidValue(place, `is more than ${mostQuotas} quotas`);
    const first = quotas.findIndex((other) => other.quota.namespace === quota.namespace);
    if (first < at) throw twice(place, quota);
  });
  return quotas.map(({ quota }) => quota);
}

function twice(place: ValuePlace, { namespace: name }: Quota): Error {
  return invalidValue(place, `is the second quota of ${name}`);
}
