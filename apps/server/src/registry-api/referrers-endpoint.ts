import { type Descriptor, type Digest, type RepositoryName, mediaTypes } from '@oci/spec-types';

import { type ApiRequest, answerJson } from './api-request.js';

/** end-12: what refers to a manifest; an index, empty when nothing does. */
export async function serveReferrers(
  api: ApiRequest,
  { name, digest }: { readonly name: RepositoryName; readonly digest: Digest },
): Promise<void> {
  const artifactType = api.query.get('artifactType');
  const manifests: Descriptor[] = [];
  for await (const referrer of api.registry.manifests.referrers(name, digest)) {
    if (artifactType === null || referrer.artifactType === artifactType) manifests.push(referrer);
  }
  const applied: Readonly<Record<string, string>> =
    artifactType === null ? {} : { 'oci-filters-applied': 'artifactType' };
  const index = { schemaVersion: 2, mediaType: mediaTypes.imageIndex, manifests };
  answerJson(api, index, { 'content-type': mediaTypes.imageIndex, ...applied });
}
