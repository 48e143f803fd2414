import { gzipSync } from 'node:zlib';

/** Gzip that is the same on every machine: no time, and no operating system, in its header. */
export function gzip(bytes: Uint8Array, level = 6): Uint8Array {
  const packed = new Uint8Array(gzipSync(bytes, { level }));
  packed[9] = 255;
  return packed;
}
