import {
  type RegistryHost,
  type RepositoryName,
  isRepositoryName,
  registryPaths,
} from '@oci/spec-types';

import { catalogScope } from './authorization/scope.js';
import { type Connection, type TransportOptions, connect } from './connection.js';
import type { CredentialSource } from './credentials/credential.js';
import {
  type DownloadPolicy,
  checkDownloadPolicy,
  defaultDownloadPolicy,
} from './download/download-policy.js';
import { RangeSupport } from './download/range-support.js';
import type { HostOptions } from './host-options.js';
import { type MirrorOptions, parseMirrorLocation } from './mirrors/mirror.js';
import { type Mirror, askMirrors } from './mirrors/mirrored.js';
import { parseRegistryAddress } from './registry-address.js';
import type { Endpoint, RemoteOptions } from './repository/endpoint.js';
import { listEntries } from './repository/listing.js';
import { RemoteRepository } from './repository/remote-repository.js';
import { type BodyLimits, defaultLimits } from './transport/bounded-body.js';
import type { Exchange } from './transport/exchange.js';
import { expectStatus } from './transport/response-failure.js';
import { type RetryPolicy, defaultRetryPolicy } from './transport/retry.js';

export interface RegistryOptions extends HostOptions, TransportOptions {
  /** `https://registry.example`, `http://localhost:5000`; a bare host is HTTPS, loopback HTTP. */
  readonly url: string;
  /** Asked for manifests and blobs before the registry itself, in this order. */
  readonly mirrors?: readonly MirrorOptions[] | undefined;
  readonly retry?: Partial<RetryPolicy> | undefined;
  readonly limits?: Partial<BodyLimits> | undefined;
  readonly download?: Partial<DownloadPolicy> | undefined;
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

const anonymous: CredentialSource = async () => undefined;

/** @throws OciError `REFERENCE_INVALID` for a URL that is none, `CONFIG_INVALID` for such a proxy */
export function createRegistry(options: RegistryOptions): Registry {
  const address = parseRegistryAddress(options.url, { plainHttp: options.plainHttp ?? false });
  const limits = { ...defaultLimits, ...options.limits };
  const retryPolicy = { ...defaultRetryPolicy, ...options.retry };
  const credentials = options.credentials ?? anonymous;
  const common = { transport: options, limits, retryPolicy, credentials };
  const connection = connect({ ...common, address, host: options });
  const mirrors = (options.mirrors ?? []).map((mirror) =>
    connectMirror(mirror, { ...common, registry: address.host }),
  );
  const { host } = address;
  const { origin } = connection;
  const exchange = askMirrors(connection.exchange, mirrors);
  const downloadPolicy = checkDownloadPolicy({ ...defaultDownloadPolicy, ...options.download });
  const rangeSupport = new RangeSupport();
  const hasMirrors = mirrors.length > 0;
  const policies = { limits, retryPolicy, downloadPolicy };
  const shared = { ...policies, exchange, origin, rangeSupport, hasMirrors };
  return {
    host,
    origin: origin.origin,
    close: async () =>
      void (await Promise.all([connection, ...mirrors].map(({ close }) => close()))),
    ping: (call = {}) => ping(shared, host, call),
    repository: (name) => new RemoteRepository({ ...shared, name }),
    listRepositories: (call = {}) => listRepositories(shared, host, call),
  };
}

/** A mirror gets one try, less time and no patience: behind it are the next one and the registry. */
function connectMirror(
  mirror: MirrorOptions,
  {
    registry,
    ...common
  }: Omit<Parameters<typeof connect>[0], 'address' | 'host'> & { registry: RegistryHost },
): Mirror & Connection {
  const location = parseMirrorLocation(mirror);
  const { timeouts } = common.transport;
  const connection = connect({
    ...common,
    address: location,
    host: mirror,
    transport: { ...common.transport, timeouts: { connectMs: mirrorConnectMs, ...timeouts } },
    credentials: mirror.credentials ?? common.credentials,
    retryPolicy: { ...common.retryPolicy, attempts: 1, maxWaitMs: 0 },
  });
  const ns = mirror.ns ? registry : undefined;
  return { ...connection, location, pullFrom: mirror.pullFrom ?? 'all', ns };
}

const mirrorConnectMs = 5000;

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
