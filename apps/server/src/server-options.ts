import type { OciManagerOptions } from '@oci/manager';
import { OciError } from '@oci/spec-types';
import { isLoopback } from '@oci/spec-types/node';

import type { AccessOptions } from './access/access.js';
import type { AuditOptions } from './audit/audit-log.js';
import type { EventOptions } from './events/webhook.js';
import type { CollectionOptions } from './hosted/collection/collection.js';
import type { Quota } from './hosted/quota/quota.js';
import type { HostedRules } from './hosted/rules/hosted-rules.js';
import type { StorageOptions } from './hosted/storage.js';
import type { TrustedProxies } from './http/client-address.js';
import type { ConnectionLimits } from './http/connections.js';
import type { TlsOptions } from './http/listener.js';
import type { ListenAddress } from './listen-address.js';

export interface ServerOptions {
  readonly listen: ListenAddress;
  /** Where hosted repositories are kept. */
  readonly dataDir: string;
  /** Default: files below the data directory. */
  readonly storage?: StorageOptions | undefined;
  readonly verification?: VerificationOptions | undefined;
  /** What the API manages; `registryUrl` is this server's own when absent. */
  readonly manager: Omit<OciManagerOptions, 'registryUrl'> & {
    readonly registryUrl?: string | undefined;
  };
  /** Where the API installs extensions; it installs none when absent. */
  readonly installDir?: string | undefined;
  /** Serve HTTP to other machines, where anybody reads and alters what passes. Default false. */
  readonly allowPlainHttp?: boolean | undefined;
  readonly tls?: TlsOptions | undefined;
  /** What clients call the server, when that is not the address that they send in `Host`. */
  readonly publicUrl?: string | undefined;
  readonly access?: AccessOptions | undefined;
  /** No log is written when absent. */
  readonly audit?: Omit<AuditOptions, 'onTrouble'> | undefined;
  /** Nobody is told of events when absent. */
  readonly events?: EventOptions | undefined;
  /** For hosted repositories. Default none. */
  readonly rules?: HostedRules | undefined;
  /** Take manifests whose content is missing. Default false. */
  readonly sparseManifests?: boolean | undefined;
  readonly limits?: Partial<ServerLimits> | undefined;
  readonly collection?:
    | (CollectionOptions & {
        /** Milliseconds between two collections of the storage; 0 for none. Default a day. */
        readonly intervalMs?: number | undefined;
      })
    | undefined;
  /** What the hosted repositories of namespaces may hold together. */
  readonly quotas?: readonly Quota[] | undefined;
  /** Addresses or subnets of proxies whose `X-Forwarded-For`, `-Proto` and `-Host` are believed. */
  readonly trustedProxies?: readonly string[] | undefined;
  readonly logLevel?: string | undefined;
  /** Milliseconds that requests may run on when the server closes. Default 30 s. */
  readonly shutdownGraceMs?: number | undefined;
  /** Milliseconds that another server is waited for which uses the same directories. Default 15 s. */
  readonly directoryPatienceMs?: number | undefined;
}

/** How the storage is verified in the background. */
interface VerificationOptions {
  /** Milliseconds between the beginnings of two passes; 0 for none. Default 7 days for files, none for a bucket. */
  readonly intervalMs?: number | undefined;
  /** Bytes of data to read in a second; 0 for no limit. Default 50 MiB. */
  readonly bytesPerSecond?: number | undefined;
}

/** A bucket's service checks what it stores, and bills what is read. */
const defaultIntervalMs = { file: 7 * 24 * 60 * 60_000, s3: 0 } as const;

/** Milliseconds between the beginnings of two verifications; 0 for none. */
export function verificationIntervalMs({ verification, storage }: ServerOptions): number {
  return verification?.intervalMs ?? defaultIntervalMs[storage?.kind ?? 'file'];
}

/** Bytes of data that a verification reads in a second, when nobody says how many. */
export const defaultVerifyBytesPerSecond: number = 50 * 1024 * 1024;

export interface ServerLimits {
  /** Default 4096. */
  readonly maxConnections: number;
  /** Of one address, at most half of `maxConnections`. Default 1024. */
  readonly maxConnectionsPerClient: number;
  /** Bytes of one blob. Default 20 GiB. */
  readonly maxUploadBytes: number;
  /** Requests of one client a second, ten times as many at once; 0 for no limit. Default 0. */
  readonly requestsPerSecond: number;
}

/** A day, in milliseconds. */
export const defaultCollectionIntervalMs: number = 24 * 60 * 60_000;

export const defaultLimits: ServerLimits = {
  maxConnections: 4096,
  maxConnectionsPerClient: 1024,
  maxUploadBytes: 20 * 1024 ** 3,
  requestsPerSecond: 0,
};

/**
 * The limits of the present options, which a reload replaces. One address never takes more than half of the
 * connections; one that stands for many clients may.
 */
export function connectionLimits(
  present: () => { readonly options: ServerOptions; readonly proxies: TrustedProxies },
): ConnectionLimits {
  const limits = (): ServerLimits => ({ ...defaultLimits, ...present().options.limits });
  return {
    get most() {
      return limits().maxConnections;
    },
    get mostOfOne() {
      const { maxConnections, maxConnectionsPerClient } = limits();
      return Math.min(maxConnectionsPerClient, Math.ceil(maxConnections / 2));
    },
    isShared: (address) => present().proxies.isShared(address),
  };
}

/** @throws OciError `POLICY_REFUSED` for an address that others reach without TLS */
export function refusePublicHttp({ listen: { host }, allowPlainHttp, tls }: ServerOptions): void {
  if (allowPlainHttp || tls || isLoopback(host)) return;
  throw new OciError(
    'POLICY_REFUSED',
    `${host} is reached by other machines, and HTTP protects nothing`,
    {
      hint: 'Listen on 127.0.0.1 behind a TLS proxy, set server.tls_cert_file, or accept the risk with --allow-plain-http.',
    },
  );
}

/** Tells whether clients that come by a TLS proxy would be sent to `http://` for their tokens. */
export function lacksPublicUrl({ publicUrl, tls, trustedProxies, access }: ServerOptions): boolean {
  const hasTokens = access?.tokens?.length || access?.issuers?.length || access?.rules?.length;
  return publicUrl === undefined && !tls && !trustedProxies?.length && Boolean(hasTokens);
}

export const publicUrlHint: string =
  'server.public_url is not set: clients behind a TLS proxy are told an http:// address for tokens. ' +
  'Set it to the URL that clients use, or name the proxy in server.trusted_proxies.';
