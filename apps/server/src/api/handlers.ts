import { artifactJson } from '@oci/manager';
import { type Descriptor, OciError, parseDigest } from '@oci/spec-types';
import type { ReferrerJson } from '@oci/spec-types/api';

import type { CallerContext } from '../http/request-context.js';
import type { ServerParts } from '../server-parts.js';
import type { IndexedNamespace } from '../artifact-index.js';
import { artifactPage } from './artifact-page.js';
import { pullArtifact, repositoryOf } from './artifact-pull.js';
import type { Endpoint, Endpoints } from './endpoints.js';
import { extensionHandlers } from './extension-handlers.js';
import { jobHandlers } from './job-handlers.js';
import { operatorHandlers } from './operator-handlers.js';

/** Whose request is handled, and when they have gone. */
export interface ApiCall {
  readonly context: CallerContext;
  readonly signal: AbortSignal;
}

/** What does the work of each call. */
export type Handlers = {
  readonly [K in keyof Endpoints]: Endpoints[K] extends Endpoint<infer Input, infer Data>
    ? (input: Input, call: ApiCall) => Data | Promise<Data>
    : never;
};

/** Bytes of the entries of a list in one answer. */
const maxListBytes = 4 * 1024 * 1024;

/** The calls of the API, each allowed by the rules before it does anything. */
export function createHandlers(parts: ServerParts): Handlers {
  return {
    ...artifactHandlers(parts),
    ...repositoryHandlers(parts),
    ...jobHandlers(parts),
    ...extensionHandlers(parts),
    ...operatorHandlers(parts),
  };
}

function artifactHandlers(
  parts: ServerParts,
): Pick<Handlers, 'listArtifacts' | 'browseArtifacts' | 'pullKclPackage' | 'pullExtension'> {
  const { gate } = parts;
  const shown = async (namespace: string, context: CallerContext): Promise<IndexedNamespace> => {
    gate.requireWithin(context, 'list', namespace);
    const indexed = await parts.index.get(namespace);
    const isShown = ({ name }: { readonly name: string }): boolean =>
      gate.access.permits(context.caller, 'list', `${namespace}/${name}`);
    return { ...indexed, artifacts: indexed.artifacts.filter(isShown) };
  };
  return {
    listArtifacts: async ({ namespace }, { context }) =>
      (await shown(namespace, context)).artifacts.map(artifactJson),
    browseArtifacts: async (query, { context }) =>
      artifactPage(await shown(query.namespace, context), query),
    pullKclPackage(request, call) {
      gate.require(call.context, 'pull', repositoryOf(parts, request));
      return pullArtifact(parts, request, call);
    },
    pullExtension(request, call) {
      gate.require(call.context, 'pull', repositoryOf(parts, request));
      return pullArtifact(parts, request, call);
    },
  };
}

function repositoryHandlers(
  parts: ServerParts,
): Pick<Handlers, 'artifactExists' | 'getManifest' | 'listTags' | 'listReferrers'> {
  const { gate } = parts;
  return {
    async artifactExists({ repository, version }, { context, signal }) {
      gate.require(context, 'list', repository);
      const exists = await parts.manager.use((manager) =>
        manager.artifactExists(repository, version, { signal }),
      );
      return { repository, version, exists };
    },
    async getManifest({ repository, version }, { context, signal }) {
      gate.require(context, 'pull', repository);
      const info = await parts.manager.use((manager) =>
        manager.getManifest(repository, version, { signal }),
      );
      return {
        digest: info.digest,
        size: info.size,
        media_type: info.mediaType,
        from_cache: info.fromCache,
        manifest: { ...info.resolved.document },
      };
    },
    async listTags({ repository }, { context, signal }) {
      gate.require(context, 'list', repository);
      const tags = await parts.manager.use((manager) =>
        listed(manager.sourceRepository(repository).listTags({ signal })),
      );
      return { repository, tags };
    },
    async listReferrers({ repository, digest, artifact_type }, { context, signal }) {
      gate.require(context, 'pull', repository);
      const options = { signal, artifactType: artifact_type };
      const referrers = await parts.manager.use(async (manager) => {
        const source = manager.sourceRepository(repository);
        const subject = await source.resolve(parseDigest(digest), { signal });
        return listed(source.listReferrers(subject, options));
      });
      return referrers.map(referrerJson);
    },
  };
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
