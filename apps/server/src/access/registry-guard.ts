import type { RepositoryName } from '@oci/spec-types';
import type { RegistryRoute } from '@oci/spec-types/registry-api';

import { Refusal } from '../http/refusal.js';
import type { RegistryContext } from '../http/request-context.js';
import type { Gate } from '../http/gate.js';
import { type RegistryCaller, anonymous } from './caller.js';
import { registryService } from './registry-token.js';
import type { Action } from './rule.js';

/** What a request of the registry API needs: an action of ours, and the one that Docker's scopes name. */
interface Need {
  readonly action: Action;
  readonly scope: string;
  readonly repository: RepositoryName;
}

/** The rules for `/v2/`, and challenges that tell clients where tokens are (RFC 6750, section 3). */
export class RegistryGuard {
  readonly #gate: Gate;

  constructor(gate: Gate) {
    this.#gate = gate;
  }

  /** @throws Refusal 401 with a challenge, 403 */
  require(
    context: RegistryContext,
    request: {
      readonly method: string;
      readonly realm: string;
      /** The repository that a blob is to be mounted from. */
      readonly mountFrom?: RepositoryName | undefined;
    },
    route: RegistryRoute | undefined,
  ): void {
    if (!this.#gate.access.restricted) return;
    if (route?.endpoint === 'base') return this.#requireLogin(context, request.realm);
    if (route?.endpoint === 'catalog') return this.#requireCatalog(context, request.realm);
    const need = neededFor(route, request.method);
    if (!need) return;
    const { caller } = context;
    const source = request.mountFrom && pullOf(request.mountFrom);
    const scope = [need, ...(source ? [source] : [])].map(scopeOf).join(' ');
    if (!this.#gate.access.permits(caller.holder, need.action, need.repository)) {
      const refusal = this.#gate.refuse(context, need.action, need.repository);
      throw refusal.status === 401 ? challenge(request.realm, { scope }) : refusal;
    }
    if (!covers(caller, need)) throw challenge(request.realm, { scope, isShort: true });
  }

  /** Whether a blob of another repository may be mounted: it is read there. */
  mayMount({ caller }: RegistryContext, from: RepositoryName): boolean {
    return this.#gate.access.permits(caller.holder, 'pull', from) && covers(caller, pullOf(from));
  }

  /** Tells whether content of a repository is nobody's secret. */
  mayEveryonePull(repository: RepositoryName): boolean {
    return this.#gate.access.permits(anonymous, 'pull', repository);
  }

  /** Whether a repository is shown in the catalog. */
  mayList({ caller }: RegistryContext, repository: RepositoryName): boolean {
    return this.#gate.access.permits(caller.holder, 'list', repository);
  }

  /** Clients ask this to learn whether they have to log in; an anonymous token is a login too. */
  #requireLogin({ caller }: RegistryContext, realm: string): void {
    if (isUnasked(caller)) throw challenge(realm, {});
  }

  /** Clients show what they have only when they are asked, and a catalog for nobody would hide theirs. */
  #requireCatalog(context: RegistryContext, realm: string): void {
    const { caller } = context;
    const scope = 'registry:catalog:*';
    if (isUnasked(caller)) throw challenge(realm, { scope });
    if (!this.#gate.access.permitsWithin(caller.holder, 'list')) {
      const refusal = this.#gate.refuse(context, 'list', undefined);
      throw refusal.status === 401 ? challenge(realm, { scope }) : refusal;
    }
    if (!holdsGrant(caller, { type: 'registry', name: 'catalog' }, '*'))
      throw challenge(realm, { scope, isShort: true });
  }
}

function pullOf(repository: RepositoryName): Need {
  return { action: 'pull', scope: 'pull', repository };
}

function scopeOf({ repository, scope }: Need): string {
  return `repository:${repository}:${scope}`;
}

function neededFor(route: RegistryRoute | undefined, method: string): Need | undefined {
  switch (route?.endpoint) {
    case 'tags':
      return { action: 'list', scope: 'pull', repository: route.name };
    case 'referrers':
      return { action: 'pull', scope: 'pull', repository: route.name };
    case 'uploads':
    case 'upload':
      return { action: 'push', scope: 'pull,push', repository: route.name };
    case 'manifest':
    case 'blob':
      if (method === 'DELETE') return { action: 'admin', scope: 'delete', repository: route.name };
      if (method === 'PUT') return { action: 'push', scope: 'pull,push', repository: route.name };
      return { action: 'pull', scope: 'pull', repository: route.name };
    default:
      return undefined;
  }
}

/** A token of the registry flow is good for what it was asked for, whatever the rules allow. */
function covers(caller: RegistryCaller, { scope, repository }: Omit<Need, 'action'>): boolean {
  const wanted = scope.split(',').at(-1) ?? scope;
  return holdsGrant(caller, { type: 'repository', name: repository }, wanted);
}

function holdsGrant(
  { grants }: RegistryCaller,
  { type, name }: { readonly type: string; readonly name: string },
  wanted: string,
): boolean {
  if (!grants) return true;
  return grants.some(
    (grant) =>
      grant.type === type &&
      grant.name === name &&
      (grant.actions.includes(wanted) || grant.actions.includes('*')),
  );
}

/** Neither a credential nor a token: a client that waits to be asked. */
function isUnasked({ holder, grants }: RegistryCaller): boolean {
  return holder === anonymous && !grants;
}

interface ChallengeParts {
  readonly scope?: string;
  readonly isShort?: boolean;
  readonly message?: string;
}

/** A refusal that tells where tokens are. */
export function challenge(
  realm: string,
  { scope, isShort, message = 'this needs credentials of the server' }: ChallengeParts,
): Refusal {
  const parts = [`realm="${realm}"`, `service="${registryService}"`];
  if (scope !== undefined) parts.push(`scope="${scope}"`);
  if (isShort) parts.push('error="insufficient_scope"');
  return new Refusal(401, 'UNAUTHORIZED', message, {
    headers: { 'www-authenticate': `Bearer ${parts.join(',')}` },
  });
}
