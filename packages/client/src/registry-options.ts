import type { DownloadPolicy } from './download/download-policy.js';
import type { HostOptions } from './host-options.js';
import type { MirrorOptions } from './mirrors/mirror.js';
import type { ProxyOptions } from './proxy/proxy-options.js';
import type { BodyLimits } from './transport/bounded-body.js';
import type { Timeouts } from './transport/connection-options.js';
import type { PacePolicy } from './transport/host-pace.js';
import type { AttemptObserver } from './transport/observe.js';
import type { RetryPolicy } from './transport/retry-policy.js';

/**
 * Options of a registry: those of its own host ({@link HostOptions}), and what is the same for it and
 * its mirrors. What changes from call to call is in `CallOptions`.
 */
export interface RegistryOptions extends HostOptions {
  /** `https://registry.example`, `http://localhost:5000`; a bare host is HTTPS, loopback HTTP. */
  readonly url: string;
  /** Asked for manifests and blobs before the registry itself, in this order. */
  readonly mirrors?: readonly MirrorOptions[] | undefined;
  readonly retry?: Partial<RetryPolicy> | undefined;
  readonly limits?: Partial<BodyLimits> | undefined;
  readonly download?: Partial<DownloadPolicy> | undefined;
  readonly timeouts?: Partial<Timeouts> | undefined;
  readonly pace?: Partial<PacePolicy> | undefined;
  /** Bytes of bodies in a second at most, up and down together; a mirror's count for itself. Default: no limit. */
  readonly bytesPerSecond?: number | undefined;
  /** Default: `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` of the environment; `false` for none. */
  readonly proxy?: ProxyOptions | false | undefined;
  /** Keeps tokens for the next process, sealed, in this file. Default: only in memory. */
  readonly tokenCacheFile?: string | undefined;
  readonly userAgent?: string | undefined;
  /** Hears of every request that goes out. Its exception ends the call, as `USAGE`. */
  readonly observer?: AttemptObserver | undefined;
}
