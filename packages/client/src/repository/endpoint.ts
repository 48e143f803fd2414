import { type CallOptions, type RepositoryName, isOciError } from '@oci/spec-types';

import type { DownloadPolicy } from '../download/download-policy.js';
import type { RangeSupport } from '../download/range-support.js';
import type { Throughput } from '../download/throughput.js';
import { repositoryScope } from '../authorization/scope.js';
import { resolvesInternally } from '../transport/address-policy.js';
import type { BodyLimits } from '../transport/bounded-body.js';
import {
  type Exchange,
  type RegistryRequest,
  type RegistryResponse,
  canRepeat,
} from '../transport/exchange.js';
import { type Subject, expectStatus } from '../transport/response-failure.js';
import type { RetryPolicy } from '../transport/retry-policy.js';
import type { TakeWorker } from '../transport/worker/file-place.js';
import type { ReferrersKnowledge } from './referrers-api.js';
import type { RegistryHints } from './registry-hints.js';

/** One repository of a registry, and how to reach it: what the abilities are built on. */
export interface Endpoint {
  readonly exchange: Exchange;
  readonly origin: URL;
  readonly name: RepositoryName;
  readonly limits: BodyLimits;
  readonly retryPolicy: RetryPolicy;
  readonly downloadPolicy: DownloadPolicy;
  readonly rangeSupport: RangeSupport;
  readonly throughput: Throughput;
  /** Makes ready to write a file by so many workers at most; undefined where there are none. */
  readonly openWorkers: (most: number) => Promise<TakeWorker | undefined>;
  /** Whether what is read may come from a mirror. */
  readonly asksMirrors: boolean;
  readonly referrers: ReferrersKnowledge;
  readonly hints: RegistryHints;
}

/** What a mirror can be wrong with although it answers. */
const mirrorFaults = [
  'DIGEST_MISMATCH',
  'SIZE_MISMATCH',
  'DOCUMENT_INVALID',
  'LIMIT_EXCEEDED',
  'PROTOCOL',
] as const;

/** The same repository, where only the registry itself is asked. */
export function withoutMirrors(endpoint: Endpoint): Endpoint {
  return { ...endpoint, asksMirrors: false };
}

/** Reads, and where what was read is wrong and may be a mirror's, once more from the registry itself. */
export async function read<T>(
  endpoint: Endpoint,
  options: CallOptions,
  work: (endpoint: Endpoint) => Promise<T>,
): Promise<T> {
  if (!endpoint.asksMirrors || options.forPush) return work(endpoint);
  try {
    return await work(endpoint);
  } catch (error) {
    if (!isOciError(error, ...mirrorFaults)) throw error;
    options.onEvent?.({
      type: 'warning',
      message: `${error.message}: the registry is asked itself`,
    });
    return work(withoutMirrors(endpoint));
  }
}

export interface EndpointRequest extends CallOptions {
  readonly method: RegistryRequest['method'];
  /** A path of `registryPaths`, or a whole URL that the registry gave us. */
  readonly target: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: RegistryRequest['body'];
  /** Which queue of the host it waits in; see {@link RegistryRequest.lane}. */
  readonly lane?: RegistryRequest['lane'];
  readonly staysHere?: boolean;
  readonly idleMs?: number;
  readonly into?: RegistryRequest['into'];
  readonly subject: Subject;
  readonly expected: readonly number[];
}

/** Sends one request of a repository and checks its status. */
export async function call(endpoint: Endpoint, ask: EndpointRequest): Promise<RegistryResponse> {
  const reads = !ask.forPush && (ask.method === 'GET' || ask.method === 'HEAD');
  const url = typeof ask.target === 'string' ? new URL(ask.target, endpoint.origin) : ask.target;
  const request: RegistryRequest = {
    method: ask.method,
    url,
    headers: { 'accept-encoding': 'identity', ...ask.headers },
    body: ask.body,
    lane: ask.lane ?? (canRepeat({ body: ask.body }) ? 'metadata' : 'upload'),
    // Elsewhere is where the registry sent us, and a public one must not send us into our own network.
    publicOnly:
      url.origin === endpoint.origin.origin
        ? undefined
        : !(await resolvesInternally(endpoint.origin)),
    scopes: [repositoryScope(endpoint.name, 'pull', ...(reads ? [] : (['push'] as const)))],
    signal: ask.signal,
    onEvent: ask.onEvent,
    skipMirrors: !endpoint.asksMirrors || ask.forPush,
    staysHere: ask.staysHere,
    idleMs: ask.idleMs,
    into: ask.into,
  };
  const response = await endpoint.exchange(request);
  const { subject } = ask;
  return expectStatus(response, ask.expected, {
    request,
    subject,
    errorBytes: endpoint.limits.errorBytes,
  });
}
