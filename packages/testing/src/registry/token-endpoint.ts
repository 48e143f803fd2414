import { randomUUID } from 'node:crypto';

import { textOf } from '../bytes.js';
import type { TokenGrant, TokenServerOptions } from './auth-options.js';
import { basicCredential } from './basic-credential.js';
import type { RegistryRequest } from './endpoint.js';
import { type Reply, errorReply, jsonReply } from './reply.js';
import { formatScope, parseScope } from './token-scope.js';

export const tokenPath = '/token';

/** A request for a token, as it was understood. */
export interface TokenRequest {
  readonly method: 'GET' | 'POST';
  readonly service: string | undefined;
  /** One entry for each scope that was asked for. */
  readonly scopes: readonly string[];
  /** What was granted of them; undefined when the request was refused. */
  readonly granted: readonly string[] | undefined;
  /** Of a POST. */
  readonly grantType: string | undefined;
  readonly anonymous: boolean;
}

type Identity = 'user' | 'anonymous' | 'refused';

/** Gives out tokens that mean nothing to anyone else, and remembers what each is good for. */
export class TokenServer {
  readonly service = 'test-registry';
  readonly requests: TokenRequest[] = [];
  readonly #options: TokenServerOptions;
  readonly #grants = new Map<string, readonly TokenGrant[]>();

  constructor(options: TokenServerOptions) {
    this.#options = options;
  }

  /** What a token allows; undefined when it is unknown or was revoked. */
  grantsOf(token: string): readonly TokenGrant[] | undefined {
    return this.#grants.get(token);
  }

  revokeAll(): void {
    this.#grants.clear();
  }

  answer(request: RegistryRequest): Reply {
    const method = request.method === 'POST' ? 'POST' : 'GET';
    if (method === 'POST' && this.#options.post === false) return errorReply(404, 'UNSUPPORTED');
    const parameters =
      method === 'POST' ? new URLSearchParams(textOf(request.body)) : request.url.searchParams;
    const identity = method === 'POST' ? this.#oauthUser(parameters) : this.#basicUser(request);
    const scopes = parameters
      .getAll('scope')
      .flatMap((scope) => scope.split(' '))
      .filter((scope) => scope !== '');
    const grants = identity === 'refused' ? undefined : this.#grantsFor(identity, scopes);
    this.requests.push({
      method,
      service: parameters.get('service') ?? undefined,
      scopes,
      granted: grants?.map((grant) => formatScope(grant)),
      grantType: parameters.get('grant_type') ?? undefined,
      anonymous: identity === 'anonymous',
    });
    if (!grants) return errorReply(401, 'UNAUTHORIZED');
    return this.#tokenReply(method, parameters, grants);
  }

  #basicUser({ headers }: RegistryRequest): Identity {
    if (headers.authorization === undefined) return 'anonymous';
    const given = basicCredential(headers.authorization);
    return this.#isUser(given?.username, given?.password) ? 'user' : 'refused';
  }

  #oauthUser(form: URLSearchParams): Identity {
    if (!form.has('client_id') || !form.has('service')) return 'refused';
    if (form.get('grant_type') === 'refresh_token') {
      const { refreshToken } = this.#options;
      return refreshToken !== undefined && form.get('refresh_token') === refreshToken
        ? 'user'
        : 'refused';
    }
    if (form.get('grant_type') !== 'password') return 'refused';
    return this.#isUser(form.get('username'), form.get('password')) ? 'user' : 'refused';
  }

  #isUser(username: unknown, password: unknown): boolean {
    return username === this.#options.username && password === this.#options.password;
  }

  /** What is not granted is left out, without an error (distribution's token specification). */
  #grantsFor(identity: 'user' | 'anonymous', scopes: readonly string[]): readonly TokenGrant[] {
    return scopes
      .map((scope) => parseScope(scope))
      .filter((wanted) => wanted !== undefined)
      .map((wanted) => ({ ...wanted, actions: this.#actionsFor(identity, wanted) }))
      .filter(({ actions }) => actions.length > 0);
  }

  #actionsFor(identity: 'user' | 'anonymous', wanted: TokenGrant): readonly string[] {
    if (identity === 'user') return this.#options.grant?.(wanted) ?? wanted.actions;
    if (this.#options.anonymousPull !== true || wanted.type !== 'repository') return [];
    return wanted.actions.filter((action) => action === 'pull');
  }

  #tokenReply(
    method: 'GET' | 'POST',
    parameters: URLSearchParams,
    grants: readonly TokenGrant[],
  ): Reply {
    const token = randomUUID();
    this.#grants.set(token, grants);
    const { tokenMember = 'token', expiresInSeconds = 300, refreshToken } = this.#options;
    const member = method === 'POST' ? 'access_token' : tokenMember;
    const offline =
      parameters.get('offline_token') === 'true' || parameters.get('access_type') === 'offline';
    return jsonReply(200, {
      ...(member !== 'access_token' && { token }),
      ...(member !== 'token' && { access_token: token }),
      ...(method === 'POST' && { scope: grants.map((grant) => formatScope(grant)).join(' ') }),
      expires_in: expiresInSeconds,
      issued_at: new Date().toISOString(),
      ...(offline && refreshToken !== undefined && { refresh_token: refreshToken }),
    });
  }
}
