import { type Digest, type RepositoryName, isRepositoryName } from '@oci/spec-types';

import type { ApiRequest } from './api-request.js';

/** Repositories that have a blob and are looked at when a mount names none. */
const maxAsked = 1000;

/**
 * The repository that a blob is mounted from: the one of `from`, or without it the first that has the
 * blob (distribution-spec, "Mounting a blob from another repository"). Either way it is one that the
 * caller may pull from: a blob is never given away by its digest alone.
 */
export async function findMountSource(
  api: ApiRequest,
  digest: Digest,
): Promise<RepositoryName | undefined> {
  const from = api.query.get('from');
  if (from !== null) {
    return isRepositoryName(from) && (await isReadable(api, from, digest)) ? from : undefined;
  }
  let asked = 0;
  for await (const name of api.registry.holders(digest)) {
    if (await isReadable(api, name, digest)) return name;
    asked += 1;
    if (asked === maxAsked) return undefined;
  }
  return undefined;
}

async function isReadable(
  { registry, permits }: ApiRequest,
  name: RepositoryName,
  digest: Digest,
): Promise<boolean> {
  return permits.mount(name) && (await registry.blobs.find(name, digest)) !== undefined;
}
