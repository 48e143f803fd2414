import type { RepositoryName } from '@oci/spec-types';

import type { EndpointContext, Methods } from './endpoint.js';
import { pageOf } from './page.js';
import { type Reply, errorReply, jsonReply } from './reply.js';

export function tagsMethods(context: EndpointContext, name: RepositoryName): Methods {
  return { GET: () => listTags(context, name) };
}

function listTags(context: EndpointContext, name: RepositoryName): Reply {
  const repository = context.content.find(name);
  if (!repository) return errorReply(404, 'NAME_UNKNOWN', { detail: { name } });
  const page = pageOf(context, [...repository.tags.keys()].sort(), (tag) => tag);
  if ('status' in page) return page;
  return jsonReply(200, { name, tags: page.entries }, page.headers);
}
