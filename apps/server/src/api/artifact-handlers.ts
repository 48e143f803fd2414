import { artifactJson } from '@oci/manager';

import type { IndexedNamespace } from '../artifact-index.js';
import type { CallerContext } from '../http/request-context.js';
import type { ServerParts } from '../server-parts.js';
import { artifactPage } from './artifact-page.js';
import { pullArtifact, repositoryOf } from './artifact-pull.js';
import type { Handlers } from './endpoint.js';

export function artifactHandlers(
  parts: ServerParts,
): Handlers<'listArtifacts' | 'browseArtifacts' | 'pullKclPackage' | 'pullExtension'> {
  const { gate } = parts;
  return {
    listArtifacts: async ({ namespace }, { context }) =>
      (await shown(parts, namespace, context)).artifacts.map(artifactJson),
    browseArtifacts: async (query, { context }) =>
      artifactPage(await shown(parts, query.namespace, context), query),
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

/** Returns what a namespace holds, as far as the caller may list it. */
async function shown(
  { gate, index }: ServerParts,
  namespace: string,
  context: CallerContext,
): Promise<IndexedNamespace> {
  gate.requireWithin(context, 'list', namespace);
  const indexed = await index.get(namespace);
  const artifacts = indexed.artifacts.filter(({ name }) =>
    gate.access.permits(context.caller, 'list', `${namespace}/${name}`),
  );
  return { ...indexed, artifacts };
}
