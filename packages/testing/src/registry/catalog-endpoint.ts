import type { EndpointContext, Methods } from './endpoint.js';
import { pageOf } from './page.js';
import { type Reply, errorReply, jsonReply } from './reply.js';

export function catalogMethods(context: EndpointContext): Methods {
  return { GET: () => listRepositories(context) };
}

function listRepositories(context: EndpointContext): Reply {
  if (!context.behaviour.catalog) return errorReply(404, 'UNSUPPORTED');
  const page = pageOf(context, [...context.content.repositories.keys()].sort(), (name) => name);
  if ('status' in page) return page;
  return jsonReply(200, { repositories: page.entries }, page.headers);
}
