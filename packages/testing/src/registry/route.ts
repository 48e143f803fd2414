import { bytesOf } from '../bytes.js';
import { blobMethods } from './blob-endpoint.js';
import { catalogMethods } from './catalog-endpoint.js';
import type { EndpointContext, Methods } from './endpoint.js';
import { manifestMethods } from './manifest-endpoint.js';
import { referrersMethods } from './referrers-endpoint.js';
import { type Reply, errorReply, jsonReply, reply } from './reply.js';
import { requestRoute } from './request-route.js';
import { tagsMethods } from './tags-endpoint.js';
import { uploadMethods, uploadsMethods } from './upload-endpoint.js';

/** The answer to a request that is allowed. */
export function answer(context: EndpointContext): Reply {
  const methods = methodsOf(context);
  if (!methods) return notFound();
  if ('status' in methods) return methods as Reply;
  const { method } = context.request;
  const handle = methods[method] ?? (method === 'HEAD' ? methods['GET'] : undefined);
  return handle ? handle() : errorReply(405, 'UNSUPPORTED');
}

/** What a server says of a path that it does not know. */
function notFound(): Reply {
  return reply(404, { 'content-type': 'text/plain' }, bytesOf('404 page not found\n'));
}

function methodsOf(context: EndpointContext): Methods | Reply | undefined {
  const route = requestRoute(context.request.url);
  switch (route?.endpoint) {
    case undefined:
      return undefined;
    case 'invalid':
      return errorReply(400, route.code);
    case 'base':
      return { GET: () => jsonReply(200, {}) };
    case 'catalog':
      return catalogMethods(context);
    case 'tags':
      return tagsMethods(context, route.name);
    case 'manifest':
      return manifestMethods(context, route);
    case 'blob':
      return blobMethods(context, route);
    case 'uploads':
      return uploadsMethods(context, route.name);
    case 'upload':
      return uploadMethods(context, route);
    case 'referrers':
      return context.behaviour.referrers === false ? undefined : referrersMethods(context, route);
  }
}
