import type { FastifyRequest } from 'fastify';

import { Refusal } from '../http/refusal.js';
import { type CallerContext, type RequestContext, contextOf } from '../http/request-context.js';
import type { ServerParts } from '../server-parts.js';
import type { Access } from './access.js';
import { type Caller, type RegistryGrant, anonymous } from './caller.js';
import { registryService } from './registry-token.js';
import type { Action } from './rule.js';

/** What Docker's clients expect of a token server (distribution, "Token Authentication Specification"). */
interface TokenAnswer {
  readonly token: string;
  readonly access_token: string;
  readonly expires_in: number;
  readonly issued_at: string;
  readonly scope: string;
}

/** Scopes that are looked at; a client asks for one or two. */
const maxScopes = 50;

/**
 * `GET /token` with Basic credentials, and `POST /token` with a password grant. A token that was given out here
 * is no credential: it gets no other one.
 */
export async function answerToken(
  parts: ServerParts,
  request: FastifyRequest,
): Promise<TokenAnswer> {
  const { gate } = parts;
  const form = request.body instanceof URLSearchParams ? request.body : undefined;
  const asked = form ?? new URLSearchParams(request.url.split('?')[1] ?? '');
  const opened = contextOf(request.raw);
  const context = form
    ? await passwordLogin(parts, form, opened)
    : await gate.admit(request.raw, opened);
  const { caller } = context;
  const scopes = asked.getAll('scope').flatMap((scope) => scope.split(' '));
  const grants = scopes
    .slice(0, maxScopes)
    .map(parseScope)
    .filter((grant) => grant !== undefined)
    .map((grant) => granted(gate.access, caller, grant))
    .filter(({ actions }) => actions.length > 0);
  const { token, expiresIn } = await gate.access.registryTokens.issue(caller, grants);
  const scope = grants.map(({ type, name, actions }) => `${type}:${name}:${actions.join(',')}`);
  if (caller !== anonymous) recordLogin(parts, context, scope.join(' '));
  return {
    token,
    access_token: token,
    expires_in: expiresIn,
    issued_at: new Date().toISOString(),
    scope: scope.join(' '),
  };
}

async function passwordLogin(
  { gate }: ServerParts,
  form: URLSearchParams,
  context: RequestContext,
): Promise<CallerContext> {
  if (form.get('grant_type') !== 'password') {
    throw new Refusal(400, 'UNSUPPORTED', 'only the grant type "password" is supported', {
      hint: `Ask ${registryService} with GET and Basic credentials.`,
    });
  }
  const username = form.get('username') ?? '';
  return gate.login(context, { username, password: form.get('password') ?? '' });
}

function recordLogin(parts: ServerParts, { who, client, id }: RequestContext, scope: string): void {
  parts.audit?.record({
    event: 'login',
    result: 'ok',
    who,
    client,
    request_id: id,
    ...(scope !== '' && { reference: scope.slice(0, 1000) }),
  });
}

/** `type:name:actions`; the name may hold colons (a host and port). */
function parseScope(scope: string): RegistryGrant | undefined {
  const match = /^([a-z]+)(?:\([a-z]+\))?:(.{1,300}):([a-z,*]{1,100})$/.exec(scope);
  const [, type, name, actions] = match ?? [];
  if (type === undefined || name === undefined || actions === undefined) return undefined;
  return { type, name, actions: actions.split(',') };
}

/** What is not allowed is left out, without an error; the registry then refuses. */
function granted(access: Access, caller: Caller, grant: RegistryGrant): RegistryGrant {
  const allowed = grant.actions.filter((action) => {
    if (grant.type === 'registry')
      return grant.name === 'catalog' && access.permitsWithin(caller, 'list');
    const needed = neededFor[action];
    return (
      grant.type === 'repository' &&
      needed?.some((action) => access.permits(caller, action, grant.name))
    );
  });
  return { ...grant, actions: allowed };
}

/** Any of them is enough: Docker's `pull` is for lists of tags too. */
const neededFor: Readonly<Record<string, readonly Action[]>> = {
  pull: ['pull', 'list'],
  push: ['push'],
  delete: ['admin'],
  '*': ['admin'],
};
