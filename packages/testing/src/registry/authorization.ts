import type { RegistryAuth } from './auth-options.js';
import { basicCredential } from './basic-credential.js';
import type { RegistryRequest } from './endpoint.js';
import { neededScopes } from './needed-scope.js';
import { type Reply, errorReply } from './reply.js';
import { TokenServer, tokenPath } from './token-endpoint.js';
import { covers, formatScope } from './token-scope.js';

/** Lets a request pass, or answers it: with a challenge, or with a token. */
export interface Authorization {
  /** Undefined when the request may pass. */
  check(request: RegistryRequest): Reply | undefined;
  readonly tokens: TokenServer | undefined;
}

export function createAuthorization(auth: RegistryAuth | undefined): Authorization {
  if (!auth) return { check: () => undefined, tokens: undefined };
  if ('basic' in auth)
    return { check: (request) => checkBasic(auth.basic, request), tokens: undefined };
  const tokens = new TokenServer(auth.bearer);
  return { check: (request) => checkBearer(tokens, request), tokens };
}

function checkBasic(
  user: { readonly username: string; readonly password: string },
  { headers }: RegistryRequest,
): Reply | undefined {
  const given = basicCredential(headers.authorization);
  if (given?.username === user.username && given.password === user.password) return undefined;
  return unauthorized('Basic realm="test registry"');
}

function checkBearer(tokens: TokenServer, request: RegistryRequest): Reply | undefined {
  const { method, url, headers } = request;
  if (url.pathname === tokenPath) return tokens.answer(request);
  const needed = neededScopes(method, url);
  const token = /^bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  const granted = token === undefined ? undefined : tokens.grantsOf(token);
  if (granted && needed.every((scope) => covers(granted, scope))) return undefined;
  const parameters = {
    realm: new URL(tokenPath, url).href,
    service: tokens.service,
    ...(needed.length > 0 && { scope: needed.map((scope) => formatScope(scope)).join(' ') }),
    ...(token !== undefined && { error: granted ? 'insufficient_scope' : 'invalid_token' }),
  };
  const list = Object.entries(parameters).map(([name, value]) => `${name}="${value}"`);
  return unauthorized(`Bearer ${list.join(',')}`);
}

function unauthorized(challenge: string): Reply {
  return errorReply(401, 'UNAUTHORIZED', { headers: { 'www-authenticate': challenge } });
}
