import { type Descriptor, OciError, parseDigest } from '@oci/spec-types';

import type { ServerParts } from '../server-parts.js';
import type { ApiCall, Handlers } from './endpoint.js';
import type {
  ManifestJson,
  ReferrerJson,
  ReferrersQuery,
  VersionQuery,
} from './json/manifest-json.js';

/** Bytes of the entries of a list in one answer. */
const maxListBytes = 4 * 1024 * 1024;

export function repositoryHandlers(
  parts: ServerParts,
): Handlers<'artifactExists' | 'getManifest' | 'listTags' | 'listReferrers'> {
  const { gate, manager } = parts;
  return {
    async artifactExists({ repository, version }, { context, signal }) {
      gate.require(context, 'list', repository);
      const exists = await manager.use((used) =>
        used.artifactExists(repository, version, { signal }),
      );
      return { repository, version, exists };
    },
    getManifest: (query, call) => getManifest(parts, query, call),
    async listTags({ repository }, { context, signal }) {
      gate.require(context, 'list', repository);
      const tags = await manager.use((used) =>
        listed(used.sourceRepository(repository).listTags({ signal })),
      );
      return { repository, tags };
    },
    listReferrers: (query, call) => listReferrers(parts, query, call),
  };
}

async function getManifest(
  { gate, manager }: ServerParts,
  { repository, version }: VersionQuery,
  { context, signal }: ApiCall,
): Promise<ManifestJson> {
  gate.require(context, 'pull', repository);
  const info = await manager.use((used) => used.getManifest(repository, version, { signal }));
  return {
    digest: info.digest,
    size: info.size,
    media_type: info.mediaType,
    from_cache: info.fromCache,
    manifest: { ...info.resolved.document },
  };
}

async function listReferrers(
  { gate, manager }: ServerParts,
  { repository, digest, artifact_type: artifactType }: ReferrersQuery,
  { context, signal }: ApiCall,
): Promise<readonly ReferrerJson[]> {
  gate.require(context, 'pull', repository);
  const referrers = await manager.use(async (used) => {
    const source = used.sourceRepository(repository);
    const subject = await source.resolve(parseDigest(digest), { signal });
    return listed(source.listReferrers(subject, { signal, artifactType }));
  });
  return referrers.map(referrerJson);
}

/**
 * A list as one answer, which is all in memory.
 *
 * @throws OciError `LIMIT_EXCEEDED`
 */
async function listed<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const all: T[] = [];
  let bytes = 0;
  for await (const item of items) {
    bytes += Buffer.byteLength(JSON.stringify(item));
    if (bytes > maxListBytes) {
      throw new OciError('LIMIT_EXCEEDED', 'the list is longer than an answer of the API (4 MiB)', {
        hint: 'Read it in pages from the registry itself, at /v2/.',
      });
    }
    all.push(item);
  }
  return all;
}

function referrerJson(referrer: Descriptor): ReferrerJson {
  return {
    media_type: referrer.mediaType,
    digest: referrer.digest,
    size: referrer.size,
    artifact_type: referrer.artifactType ?? null,
    annotations: referrer.annotations ?? {},
  };
}
