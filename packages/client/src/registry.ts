import {
  type CallOptions,
  type RegistryHost,
  type RepositoryName,
  isRepositoryName,
  networkHost,
} from '@oci/spec-types';
import { registryPaths } from '@oci/spec-types/registry-api';

import { defaultDownloadPolicy } from './download/download-policy.js';
import { parseMirrorLocation } from './mirrors/mirror.js';
import { parseProxies } from './proxy/proxy-options.js';
import type { Destination, Reached } from './reach.js';
import { parseRegistryAddress } from './registry-address.js';
import type { RegistryOptions } from './registry-options.js';
import { checkRegistryOptions } from './registry-options-check.js';
import type { RawRequest, RawRequestOptions, RawResponse } from './registry-request.js';
import { parseNameWithin } from './repository/arguments.js';
import { checkCall } from './repository/call-check.js';
import type { Endpoint } from './repository/endpoint.js';
import type { ListOptions } from './repository/listing.js';
import { RemoteRepository } from './repository/remote-repository.js';
import { closed } from './transport/closed.js';
import type { Exchange } from './transport/exchange.js';
import { HeadStart } from './transport/head-start.js';

/** A registry over HTTP: its own connections, tokens and limits, shared by its repositories. */
export interface Registry extends AsyncDisposable {
  readonly host: RegistryHost;
  /** `scheme://host:port` that requests go to. */
  readonly origin: string;
  /** Whether the registry answers, and lets us in. @throws OciError */
  ping(options?: CallOptions): Promise<void>;
  /** @throws OciError `REFERENCE_INVALID` */
  repository(name: string): RemoteRepository;
  /** Every repository of the catalog. @throws OciError `UNSUPPORTED` where there is none */
  listRepositories(options?: ListOptions): AsyncIterable<RepositoryName>;
  /**
   * Sends a request that no other method makes, to the registry's own origin and with its credentials. Whatever the
   * status is, it is the answer.
   *
   * @throws OciError `USAGE` for a path or header that cannot be sent, and what a connection fails with
   */
  request(request: RawRequest, options?: RawRequestOptions): Promise<RawResponse>;
  /** Ends all connections, for good: calls that run, and every later one, fail with `ABORTED`. */
  close(): Promise<void>;
}

/**
 * Nothing is loaded to talk to it, and no connection opened, before its first request.
 *
 * @throws OciError `USAGE` for options that are none, `REFERENCE_INVALID` for a URL that is none, `CONFIG_INVALID` for such a proxy
 */
export function createRegistry(options: RegistryOptions): Registry {
  const destination = destinationOf(options);
  const { scheme, host } = destination.address;
  const origin = new URL(`${scheme}://${networkHost(host)}`);
  let reaching: Promise<Reached> | undefined;
  let isClosed = false;
  const ensureOpen = (): void => {
    if (isClosed) throw closed(host);
  };
  const reached = async (): Promise<Reached> => {
    ensureOpen();
    const way = await (reaching ??= begin(destination, origin));
    ensureOpen();
    return way;
  };
  const shared = async (): Promise<Omit<Endpoint, 'name'>> => (await reached()).endpoint;
  const close = async (): Promise<void> => {
    isClosed = true;
    await (await reaching)?.close();
  };
  return {
    host,
    origin: origin.origin,
    close,
    [Symbol.asyncDispose]: close,
    ping: async (call = {}) => ping(await shared(), host, checkCall('ping', call)),
    repository: (text) => {
      const name = parseNameWithin(host, text);
      return new RemoteRepository(name, origin, async () => ({ ...(await shared()), name }));
    },
    listRepositories: (call = {}) => listRepositories(shared, host, call),
    request: async (request, call = {}) => {
      const options = checkCall('request', call);
      const { sendRaw } = await import('./registry-request.js');
      return sendRaw(await shared(), request, options);
    },
  };
}

/** Connects while the rest is loaded, unless the first request may go elsewhere. */
async function begin(destination: Destination, origin: URL): Promise<Reached> {
  const { http, https } = parseProxies(destination.options.proxy);
  const { publicOnly = false } = destination.options;
  const isDirect = destination.mirrors.length === 0 && !http && !https && !publicOnly;
  const headStart = isDirect ? new HeadStart(origin) : undefined;
  const { reach } = await import('./reach.js');
  return reach(destination, headStart);
}

/** What is wrong with the options is said at once, not with the first request. */
function destinationOf(options: RegistryOptions): Destination {
  checkRegistryOptions(options);
  const address = parseRegistryAddress(options.url, { plainHttp: options.plainHttp ?? false });
  parseProxies(options.proxy);
  return {
    address,
    options,
    downloadPolicy: { ...defaultDownloadPolicy, ...options.download },
    mirrors: (options.mirrors ?? []).map((mirror) => ({
      options: mirror,
      at: parseMirrorLocation(mirror),
    })),
  };
}

async function ping(
  shared: Omit<Endpoint, 'name'>,
  host: string,
  options: CallOptions,
): Promise<void> {
  const request = {
    ...options,
    method: 'GET',
    url: new URL(registryPaths.base(), shared.origin),
    headers: {},
    scopes: [],
  } as const;
  const { expectStatus } = await import('./transport/response-failure.js');
  const response = await shared.exchange(request);
  const subject = { name: `the registry API of ${host}`, missing: 'UNSUPPORTED' } as const;
  await expectStatus(response, [200], { request, subject, errorBytes: shared.limits.errorBytes });
  await response.body.dump();
}

async function* listRepositories(
  reached: () => Promise<Omit<Endpoint, 'name'>>,
  host: string,
  given: ListOptions,
): AsyncGenerator<RepositoryName, void, undefined> {
  const options = checkCall('listRepositories', given);
  const { catalogScope, listEntries } = await import('./repository/abilities.js');
  const shared = await reached();
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
