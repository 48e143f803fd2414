import {
  type Descriptor,
  type Digest,
  type RepositoryName,
  isDigest,
  mediaTypes,
} from '@oci/spec-types';
import { registryPaths } from '@oci/spec-types/registry-api';

import { bytesOf, maxReferrerBytes } from '../hosted/referrer-entry.js';
import { ApiError } from './api-error.js';
import { type ApiRequest, answerJson } from './api-request.js';

interface ReferrersRoute {
  readonly name: RepositoryName;
  readonly digest: Digest;
}

/** Entries that are read for one page, whether they pass the filter or not. */
const maxRead = 2000;

/**
 * end-12: a page of what refers to a manifest; an index, empty when nothing does. A page is bounded in
 * bytes, so that memory does not grow with the list, and clients can read it.
 */
export async function serveReferrers(api: ApiRequest, route: ReferrersRoute): Promise<void> {
  const artifactType = api.query.get('artifactType');
  const { entries, last } = await readPage(api, route, artifactType);
  const filter = artifactType === null ? {} : { artifactType };
  const headers: Record<string, string> = { 'content-type': mediaTypes.imageIndex };
  if (artifactType !== null) headers['oci-filters-applied'] = 'artifactType';
  if (last !== undefined) {
    const next = registryPaths.referrers(route.name, route.digest, { ...filter, last });
    headers['link'] = `<${next}>; rel="next"`;
  }
  const index = { schemaVersion: 2, mediaType: mediaTypes.imageIndex, manifests: entries };
  answerJson(api, index, headers);
}

/** @returns with the entries the last one that was read, when there are more */
async function readPage(
  { registry, query, signal }: ApiRequest,
  { name, digest }: ReferrersRoute,
  artifactType: string | null,
): Promise<{ readonly entries: readonly Descriptor[]; readonly last?: Digest }> {
  const after = query.get('last') ?? undefined;
  if (after !== undefined && !isDigest(after))
    throw new ApiError(400, 'DIGEST_INVALID', 'last has to be the digest of a referrer');
  const entries: Descriptor[] = [];
  let [bytes, read] = [0, 0];
  let last: Digest | undefined;
  for await (const entry of registry.manifests.referrers(name, digest, {
    after,
    pageSize: maxRead + 1,
    signal,
  })) {
    const isWanted = artifactType === null || entry.artifactType === artifactType;
    bytes += isWanted ? bytesOf(entry) : 0;
    if (last !== undefined && (bytes > maxReferrerBytes || read === maxRead))
      return { entries, last };
    if (isWanted) entries.push(entry);
    read += 1;
    last = entry.digest;
  }
  return { entries };
}
