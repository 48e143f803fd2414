import type { ClientCertificate } from '../host-options.js';
import type { ProxyPolicy } from '../proxy/proxy-policy.js';
import type { HeadStart } from './head-start.js';

/** Deadlines that mean progress; none limits a whole transfer. Milliseconds. */
export interface Timeouts {
  /** Until a connection stands. Default 10 s. */
  readonly connectMs: number;
  /** Until the headers of an answer are there. Default 30 s. */
  readonly headersMs: number;
  /** A body that brings less than 1 KiB in this time has stalled. Default 30 s. */
  readonly idleMs: number;
}

export const defaultTimeouts: Timeouts = { connectMs: 10_000, headersMs: 30_000, idleMs: 30_000 };

export interface ConnectionOptions {
  readonly timeouts: Timeouts;
  /** The registry; what follows is for it alone. */
  readonly origin: URL;
  /** Accept any certificate of the registry's host. */
  readonly insecure?: boolean | undefined;
  /** Shown to the registry's exact origin. */
  readonly clientCertificate?: ClientCertificate | undefined;
  /** Connect to public addresses only, whatever is asked for. */
  readonly publicOnly?: boolean | undefined;
  /** Certificate authorities to trust besides the system's, PEM; for all hosts. */
  readonly ca?: string | undefined;
  /** For all hosts, also those that the registry redirects to. */
  readonly proxy: ProxyPolicy;
  readonly userAgent: string;
  /** The first connection to the origin, if it was begun already. */
  readonly headStart?: HeadStart | undefined;
}
