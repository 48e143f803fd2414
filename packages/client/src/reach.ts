import type { RegistryHost } from '@oci/spec-types';

import { type Connection, connect } from './connection.js';
import type { CredentialSource } from './credentials/credential.js';
import type { DownloadPolicy } from './download/download-policy.js';
import { RangeSupport } from './download/range-support.js';
import { Throughput } from './download/throughput.js';
import type { MirrorLocation, MirrorOptions } from './mirrors/mirror.js';
import { type Mirror, askMirrors } from './mirrors/mirrored.js';
import type { RegistryAddress } from './registry-address.js';
import type { RegistryOptions } from './registry-options.js';
import type { Endpoint } from './repository/endpoint.js';
import { ReferrersKnowledge } from './repository/referrers-api.js';
import { RegistryHints } from './repository/registry-hints.js';
import { defaultLimits } from './transport/bounded-body.js';
import type { HeadStart } from './transport/head-start.js';
import { defaultRetryPolicy } from './transport/retry-policy.js';
import { lazyWorkers } from './transport/worker/lazy-workers.js';

/** A registry and its mirrors, as {@link RegistryOptions} say, and found to be sound. */
export interface Destination {
  readonly address: RegistryAddress;
  readonly options: RegistryOptions;
  readonly downloadPolicy: DownloadPolicy;
  readonly mirrors: readonly { readonly options: MirrorOptions; readonly at: MirrorLocation }[];
}

/** What a registry's repositories share. */
export interface Reached {
  readonly endpoint: Omit<Endpoint, 'name'>;
  /** The registry itself, without credentials. */
  readonly bare: Connection['bare'];
  readonly close: () => Promise<void>;
}

const anonymous: CredentialSource = async () => undefined;

/** Makes ready to ask a registry; loaded before the first request, which a pull out of the cache never makes. */
export function reach(
  { address, options, downloadPolicy, mirrors }: Destination,
  headStart: HeadStart | undefined,
): Reached {
  const limits = { ...defaultLimits, ...options.limits };
  const retryPolicy = { ...defaultRetryPolicy, ...options.retry };
  const credentials = options.credentials ?? anonymous;
  const common = { transport: options, limits, retryPolicy, credentials };
  const connection = connect({ ...common, address, host: options, headStart });
  const connected = mirrors.map((mirror) =>
    connectMirror(mirror, {
      ...common,
      registry: address.host,
      onHelperFailure: options.onHelperFailure,
    }),
  );
  const workers = lazyWorkers(downloadPolicy.workers);
  const close = async (): Promise<void> =>
    void (await Promise.all([connection, ...connected, workers].map((each) => each.close())));
  const endpoint = {
    limits,
    retryPolicy,
    downloadPolicy,
    exchange: askMirrors(connection.exchange, connected),
    origin: connection.origin,
    rangeSupport: new RangeSupport(),
    throughput: new Throughput(downloadPolicy.enoughBytesPerSecond, workers.watch),
    openWorkers: workers.open,
    asksMirrors: mirrors.length > 0,
    referrers: new ReferrersKnowledge(),
    hints: new RegistryHints(),
  };
  return { endpoint, bare: connection.bare, close };
}

/** A mirror gets one try, less time and no patience: behind it are the next one and the registry. */
function connectMirror(
  { options, at }: Destination['mirrors'][number],
  {
    registry,
    onHelperFailure,
    ...common
  }: Omit<Parameters<typeof connect>[0], 'address' | 'host'> & {
    registry: RegistryHost;
    onHelperFailure: RegistryOptions['onHelperFailure'];
  },
): Mirror & Connection {
  const { timeouts } = common.transport;
  const connection = connect({
    ...common,
    address: at,
    host: { onHelperFailure, ...options },
    transport: { ...common.transport, timeouts: { connectMs: mirrorConnectMs, ...timeouts } },
    credentials: options.credentials ?? common.credentials,
    retryPolicy: { ...common.retryPolicy, attempts: 1, maxWaitMs: 0 },
  });
  const ns = options.ns ? registry : undefined;
  return { ...connection, location: at, pullFrom: options.pullFrom ?? 'all', ns };
}

const mirrorConnectMs = 5000;
