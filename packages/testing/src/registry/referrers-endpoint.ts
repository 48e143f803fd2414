import { type Digest, type RepositoryName, mediaTypes } from '@oci/spec-types';

import type { RepositoryContent } from './content.js';
import type { EndpointContext, Methods } from './endpoint.js';
import { readManifest } from './manifest-json.js';
import { pageOf } from './page.js';
import { type Reply, jsonReply } from './reply.js';

interface ReferrersRoute {
  readonly name: RepositoryName;
  readonly digest: Digest;
}

interface Referrer {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

export function referrersMethods(context: EndpointContext, route: ReferrersRoute): Methods {
  return { GET: () => listReferrers(context, route) };
}

/** An unknown subject has no referrers; it is no error (distribution-spec, "Listing Referrers"). */
function listReferrers(context: EndpointContext, { name, digest }: ReferrersRoute): Reply {
  const wanted = context.request.url.searchParams.get('artifactType');
  const filters = wanted !== null && context.behaviour.referrers === true;
  const all = referrersOf(context.content.find(name), digest).filter(
    ({ artifactType }) => !filters || artifactType === wanted,
  );
  const page = pageOf(context, all, (referrer) => referrer.digest);
  if ('status' in page) return page;
  const index = { schemaVersion: 2, mediaType: mediaTypes.imageIndex, manifests: page.entries };
  return jsonReply(200, index, {
    ...page.headers,
    'content-type': mediaTypes.imageIndex,
    ...(filters && { 'oci-filters-applied': 'artifactType' }),
  });
}

function referrersOf(
  repository: RepositoryContent | undefined,
  subject: Digest,
): readonly Referrer[] {
  const found: Referrer[] = [];
  for (const [digest, { bytes, mediaType }] of repository?.manifests ?? []) {
    const manifest = readManifest(bytes);
    if (manifest?.subject?.digest !== subject) continue;
    const artifactType = manifest.artifactType ?? manifest.config?.mediaType;
    found.push({
      mediaType,
      digest,
      size: bytes.byteLength,
      ...(artifactType !== undefined && { artifactType }),
      ...(manifest.annotations && { annotations: manifest.annotations }),
    });
  }
  return found.sort((left, right) => (left.digest < right.digest ? -1 : 1));
}
