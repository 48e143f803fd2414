import type { CallOptions, RepositoryName } from '@oci/spec-types';
import { registryPaths } from '@oci/spec-types/registry-api';

import { defaultDownloadPolicy } from '../download/download-policy.js';
import { reach } from '../reach.js';
import { parseRegistryAddress } from '../registry-address.js';
import type { RegistryOptions } from '../registry-options.js';
import type { Endpoint } from '../repository/endpoint.js';
import { RemoteRepository } from '../repository/remote-repository.js';
import type { RegistryRequest, RegistryResponse } from '../transport/exchange.js';
import type { AttemptObserver } from '../transport/observe.js';

/** A registry that is examined: how it is reached, without its mirrors, and which requests went out. */
export interface Patient {
  readonly options: RegistryOptions;
  readonly origin: URL;
  readonly close: () => Promise<void>;
  /** `METHOD status` of each request, the oldest first; emptied by who wants to see the next. */
  readonly requests: string[];
  readonly call: CallOptions;
  /** A request of which every answer is good. */
  send(request: PatientRequest): Promise<RegistryResponse>;
  endpoint(name: RepositoryName): Endpoint;
  repository(name: RepositoryName): RemoteRepository;
}

interface PatientRequest {
  readonly method: RegistryRequest['method'];
  /** A path, with its query; default `/v2/`. */
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly scopes?: readonly string[];
  /** Without credentials. */
  readonly isBare?: boolean;
}

/** @throws OciError `REFERENCE_INVALID`, `CONFIG_INVALID` */
export function admit(options: RegistryOptions, call: CallOptions): Patient {
  const requests: string[] = [];
  const {
    endpoint: shared,
    bare,
    close,
  } = reach(
    {
      address: parseRegistryAddress(options.url, { plainHttp: options.plainHttp ?? false }),
      options: {
        ...options,
        // What is found at the second try is found; more would only hide that it takes so many.
        retry: { attempts: 2, ...options.retry },
        observer: noting(requests, options.observer),
      },
      downloadPolicy: defaultDownloadPolicy,
      mirrors: [],
    },
    undefined,
  );
  const { origin, exchange } = shared;
  const endpoint = (name: RepositoryName): Endpoint => ({ ...shared, name });
  return {
    options,
    origin,
    close,
    requests,
    call,
    send: ({ method, path = registryPaths.base(), headers = {}, scopes = [], isBare = false }) =>
      (isBare ? bare : exchange)({
        method,
        url: new URL(path, origin),
        headers: { 'accept-encoding': 'identity', ...headers },
        scopes,
        signal: call.signal,
      }),
    endpoint,
    repository: (name) => new RemoteRepository(name, origin, async () => endpoint(name)),
  };
}

/** Notes each request, beside who else hears of it. */
function noting(requests: string[], observer: AttemptObserver | undefined): AttemptObserver {
  return (attempt) => {
    const ended = observer?.(attempt);
    return (outcome) => {
      requests.push(`${attempt.method} ${'status' in outcome ? outcome.status : outcome.code}`);
      ended?.(outcome);
    };
  };
}
