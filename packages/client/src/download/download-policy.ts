import { availableParallelism } from 'node:os';

/** How a large blob is divided. Bytes, milliseconds, and requests at once. */
export interface DownloadPolicy {
  /** Requests for one blob at once, 1 and more. Default 12. */
  readonly connections: number;
  /** Bytes that one request asks for, at most. Default 16 MiB. */
  readonly segmentBytes: number;
  /** What is left of a segment is not divided below this. Default 1 MiB. */
  readonly leastBytes: number;
  /** A blob below this comes by one request. Default 8 MiB. */
  readonly parallelFrom: number;
  /** A part that brings less than 1 KiB in this time is asked for anew. Default 10 s. */
  readonly stallMs: number;
  /**
   * Bytes a second, of all downloads from the registry together, at which a blob keeps to its one connection.
   * `Infinity` for all connections at once. Default 250 MB/s.
   */
  readonly enoughBytesPerSecond: number;
  /**
   * Threads of the process that receive, hash and write, at most, where there is much to do; 0 for none.
   * Default: as many as there are cores, none where there is one.
   */
  readonly workers: number;
}

const cores = availableParallelism();

export const defaultDownloadPolicy: DownloadPolicy = {
  connections: 12,
  segmentBytes: 16 * 1024 * 1024,
  leastBytes: 1024 * 1024,
  parallelFrom: 8 * 1024 * 1024,
  stallMs: 10_000,
  enoughBytesPerSecond: 250_000_000,
  workers: cores > 1 ? cores : 0,
};

/** Bytes of a segment, at most, so that `missing` bytes give work to every connection. */
export function segmentSize(policy: DownloadPolicy, missing: number): number {
  const share = Math.ceil(missing / policy.connections);
  return Math.min(policy.segmentBytes, Math.max(policy.leastBytes, share));
}
