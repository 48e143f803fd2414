import { type CallOptions, type RepositoryName, registryPaths } from '@oci/spec-types';

import { type Connection, connect } from '../connection.js';
import { defaultDownloadPolicy } from '../download/download-policy.js';
import { parseRegistryAddress } from '../registry-address.js';
import type { RegistryOptions } from '../registry-options.js';
import type { Endpoint } from '../repository/endpoint.js';
import { ReferrersKnowledge } from '../repository/referrers-api.js';
import { RegistryHints } from '../repository/registry-hints.js';
import { RemoteRepository } from '../repository/remote-repository.js';
import { defaultLimits } from '../transport/bounded-body.js';
import type { RegistryRequest, RegistryResponse } from '../transport/exchange.js';
import { defaultRetryPolicy } from '../transport/retry-policy.js';
import { RangeSupport } from '../download/range-support.js';
import { wholeBlocks } from '../download/whole-blocks.js';
import { Throughput } from '../download/throughput.js';

/** A registry that is examined: how it is reached, without its mirrors, and which requests went out. */
export interface Patient {
  readonly options: RegistryOptions;
  readonly connection: Connection;
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
  const address = parseRegistryAddress(options.url, { plainHttp: options.plainHttp ?? false });
  const limits = { ...defaultLimits, ...options.limits };
  // What is found at the second try is found; more would only hide that it takes so many.
  const retryPolicy = { ...defaultRetryPolicy, attempts: 2, ...options.retry };
  const requests: string[] = [];
  const connection = connect({
    address,
    host: options,
    transport: {
      ...options,
      observer: (attempt) => {
        const ended = options.observer?.(attempt);
        return (outcome) => {
          requests.push(`${attempt.method} ${'status' in outcome ? outcome.status : outcome.code}`);
          ended?.(outcome);
        };
      },
    },
    credentials: options.credentials ?? (async () => undefined),
    limits,
    retryPolicy,
  });
  const { origin, exchange, bare } = connection;
  const referrers = new ReferrersKnowledge();
  const endpoint = (name: RepositoryName): Endpoint => ({
    exchange,
    origin,
    name,
    limits,
    retryPolicy,
    downloadPolicy: defaultDownloadPolicy,
    rangeSupport: new RangeSupport(),
    throughput: new Throughput(defaultDownloadPolicy.enoughBytesPerSecond),
    wholeBlocks: wholeBlocks(),
    asksMirrors: false,
    referrers,
    hints: new RegistryHints(),
  });
  return {
    options,
    connection,
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
