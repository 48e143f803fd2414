import {
  type RegistryHost,
  type RepositoryName,
  isRepositoryName,
  networkHost,
  registryPaths,
} from '@oci/spec-types';

import { authorize } from './authorization/authorize.js';
import { catalogScope } from './authorization/scope.js';
import type { CredentialSource } from './credentials/credential.js';
import { type RegistryAddress, parseRegistryAddress } from './registry-address.js';
import {
  type DownloadPolicy,
  checkDownloadPolicy,
  defaultDownloadPolicy,
} from './download/download.js';
import type { Endpoint, RemoteOptions } from './repository/endpoint.js';
import { listEntries } from './repository/listing.js';
import { RemoteRepository } from './repository/remote-repository.js';
import { type BodyLimits, defaultLimits } from './transport/bounded-body.js';
import type { Exchange } from './transport/exchange.js';
import { type PacePolicy, defaultPacePolicy, paceHosts } from './transport/host-pace.js';
import { type AttemptObserver, observed } from './transport/observe.js';
import { followRedirects } from './transport/redirect.js';
import { expectStatus } from './transport/response-failure.js';
import { type RetryPolicy, defaultRetryPolicy, retry } from './transport/retry.js';
import { type Timeouts, createSend, defaultTimeouts } from './transport/send.js';

export interface RegistryOptions {
  /** `https://registry.example`, `http://localhost:5000`; a bare host is HTTPS, loopback HTTP. */
  readonly url: string;
  /** HTTP for a bare host. */
  readonly plainHttp?: boolean | undefined;
  /** Default: anonymous. */
  readonly credentials?: CredentialSource | undefined;
  /** Hosts of token servers, outside the registry's domain, that may see the credentials. */
  readonly trustedRealms?: readonly string[] | undefined;
  /** Accept any certificate. */
  readonly insecure?: boolean | undefined;
  /** Certificate authorities to trust besides the system's, PEM. */
  readonly ca?: string | undefined;
  readonly retry?: Partial<RetryPolicy> | undefined;
  readonly timeouts?: Partial<Timeouts> | undefined;
  readonly limits?: Partial<BodyLimits> | undefined;
  readonly download?: Partial<DownloadPolicy> | undefined;
  readonly pace?: Partial<PacePolicy> | undefined;
  readonly userAgent?: string | undefined;
  /** Hears of every request that goes out. */
  readonly observer?: AttemptObserver | undefined;
}

/** A registry over HTTP: its own connections, tokens and limits, shared by its repositories. */
export interface Registry {
  readonly host: RegistryHost;
  /** `scheme://host:port` that requests go to. */
  readonly origin: string;
  /** Whether the registry answers, and lets us in. @throws OciError */
  ping(options?: RemoteOptions): Promise<void>;
  repository(name: RepositoryName): RemoteRepository;
  /** Every repository of the catalog. @throws OciError `UNSUPPORTED` where there is none */
  listRepositories(options?: RemoteOptions): AsyncIterable<RepositoryName>;
  /** Ends all connections; requests that run fail. */
  close(): Promise<void>;
}

/** @throws OciError `REFERENCE_INVALID` for a URL that is none */
export function createRegistry(options: RegistryOptions): Registry {
  const address = parseRegistryAddress(options.url, { plainHttp: options.plainHttp ?? false });
  const limits = { ...defaultLimits, ...options.limits };
  const retryPolicy = { ...defaultRetryPolicy, ...options.retry };
  const { send, close } = createSend({
    timeouts: { ...defaultTimeouts, ...options.timeouts },
    insecure: options.insecure,
    ca: options.ca,
    userAgent: options.userAgent ?? 'oci-toolkit',
  });
  const { host } = address;
  const origin = new URL(`${address.scheme}://${networkHost(host)}`);
  const exchange = compose(send, { options, address, origin, limits, retryPolicy });
  const downloadPolicy = checkDownloadPolicy({ ...defaultDownloadPolicy, ...options.download });
  const rangeSupport = new Map<string, boolean>();
  const shared = { exchange, origin, limits, retryPolicy, downloadPolicy, rangeSupport };
  return {
    host,
    origin: origin.origin,
    close,
    ping: (call = {}) => ping(shared, host, call),
    repository: (name) => new RemoteRepository({ ...shared, name }),
    listRepositories: (call = {}) => listRepositories(shared, host, call),
  };
}

/**
 * The transport, outermost last: each request is sent as its host allows, follows redirects, is
 * authorized, is repeated.
 */
function compose(
  send: Exchange,
  parts: {
    options: RegistryOptions;
    address: RegistryAddress;
    origin: URL;
    limits: BodyLimits;
    retryPolicy: RetryPolicy;
  },
): Exchange {
  const { options, address, origin, limits, retryPolicy } = parts;
  const sent = options.observer ? observed(send, options.observer) : send;
  const paced = paceHosts(sent, { ...defaultPacePolicy, ...options.pace }, retryPolicy);
  const redirected = followRedirects(paced);
  const tokens = retry(redirected, retryPolicy);
  const authorized = authorize(redirected, tokens, {
    origin,
    registry: address.host,
    credentials: options.credentials ?? (async () => undefined),
    trustedRealms: options.trustedRealms ?? [],
    limits,
  });
  return retry(authorized, retryPolicy);
}

async function ping(
  shared: Omit<Endpoint, 'name'>,
  host: string,
  options: RemoteOptions,
): Promise<void> {
  const request = {
    ...options,
    method: 'GET',
    url: new URL(registryPaths.base(), shared.origin),
    headers: {},
    scopes: [],
  } as const;
  const response = await shared.exchange(request);
  const subject = { name: `the registry API of ${host}`, missing: 'UNSUPPORTED' } as const;
  await expectStatus(response, [200], { request, subject, errorBytes: shared.limits.errorBytes });
  await response.body.dump();
}

async function* listRepositories(
  shared: Omit<Endpoint, 'name'>,
  host: string,
  options: RemoteOptions,
): AsyncGenerator<RepositoryName, void, undefined> {
  const exchange: Exchange = (request) => shared.exchange({ ...request, scopes: [catalogScope] });
  // The catalog is no repository's; the name only completes the endpoint.
  const endpoint: Endpoint = { ...shared, exchange, name: '_catalog' as RepositoryName };
  const subject = { name: `the catalog of ${host}`, missing: 'UNSUPPORTED' } as const;
  const listing = { path: registryPaths.catalog(), member: 'repositories', subject } as const;
  for await (const name of listEntries(endpoint, listing, options)) {
    if (isRepositoryName(name)) yield name;
    else
      options.onEvent?.({
        type: 'warning',
        message: `${host} lists ${JSON.stringify(name.slice(0, 100))}, which is no repository`,
      });
  }
}
