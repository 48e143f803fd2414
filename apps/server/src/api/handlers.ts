import { artifactJson } from '@oci/manager';
import { type Descriptor, parseDigest } from '@oci/spec-types';
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
      const exists = await parts.manager().artifactExists(repository, version, { signal });
      return { repository, version, exists };
    },
    async getManifest({ repository, version }, { context, signal }) {
      gate.require(context, 'pull', repository);
      const info = await parts.manager().getManifest(repository, version, { signal });
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
      const tags: string[] = [];
      for await (const tag of parts.manager().repository(repository).listTags({ signal }))
        tags.push(tag);
      return { repository, tags };
    },
    async listReferrers({ repository, digest, artifact_type }, { context, signal }) {
      gate.require(context, 'pull', repository);
      const remote = parts.manager().repository(repository);
      const subject = await remote.resolve(parseDigest(digest), { signal });
      const referrers: ReferrerJson[] = [];
      const options = { signal, artifactType: artifact_type };
      for await (const referrer of remote.listReferrers(subject, options))
        referrers.push(referrerJson(referrer));
      return referrers;
    },
  };
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
