import { type OciError, type RepositoryName, isOciError } from '@oci/spec-types';
import { parseRegistryPath } from '@oci/spec-types/registry-api';
import { BackOff } from '@oci/spec-types/retry';

import type {
  Credential,
  CredentialSource,
  HelperFailurePolicy,
} from '../credentials/credential.js';
import type { RegistryRequest } from '../transport/exchange.js';
import { isOfPush } from './scope.js';

/** A source that failed is not asked again for a minute for what may be read without a credential. */
const pauses = { baseDelayMs: 60_000, maxDelayMs: 60_000 };

/** The credentials of one registry. A read may go without one that cannot be had; a push needs it. */
export class SessionCredentials {
  readonly #registry: string;
  readonly #source: CredentialSource;
  readonly #onFailure: HelperFailurePolicy;
  readonly #backOff = new BackOff(pauses);
  #failure: OciError | undefined;

  constructor(options: {
    readonly registry: string;
    readonly credentials: CredentialSource;
    readonly onHelperFailure?: HelperFailurePolicy | undefined;
  }) {
    this.#registry = options.registry;
    this.#source = options.credentials;
    this.#onFailure = options.onHelperFailure ?? 'anonymous';
  }

  /** Why requests go without a credential although one is configured. */
  get failure(): OciError | undefined {
    return this.#failure;
  }

  /** @throws OciError as the source does; `UNAUTHORIZED` for a push, or as the policy decides */
  async get(request: RegistryRequest, fresh: boolean): Promise<Credential | undefined> {
    const { url, signal, onEvent, scopes } = request;
    const mayGoWithout = !isOfPush(scopes);
    if (mayGoWithout && this.#backOff.isPaused) return undefined;
    try {
      const ask = { repository: repositoryOf(url), fresh, signal };
      const found = await this.#source(this.#registry, ask);
      this.#failure = undefined;
      this.#backOff.succeeded();
      return found;
    } catch (error) {
      if (!mayGoWithout || !isOciError(error, 'UNAUTHORIZED')) throw error;
      if (this.#decide(error) === 'fail') throw error;
      this.#failure = error;
      this.#backOff.failed();
      const message = `${error.message}: ${this.#registry} is asked without a credential`;
      onEvent?.({ type: 'warning', message });
      return undefined;
    }
  }

  #decide(failure: OciError): 'anonymous' | 'fail' {
    return typeof this.#onFailure === 'function' ? this.#onFailure(failure) : this.#onFailure;
  }
}

function repositoryOf(url: URL): RepositoryName | undefined {
  const route = parseRegistryPath(url.pathname);
  return route && 'name' in route ? route.name : undefined;
}
