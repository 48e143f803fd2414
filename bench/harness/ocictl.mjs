import { program } from './programs.mjs';

/**
 * `ocictl` against a registry, with a cache directory of the run's own.
 *
 * @param {import('./compare.mjs').Where} where
 * @param {readonly string[]} args
 * @returns {import('./process.mjs').Command}
 */
export function ocictl({ host, out }, args) {
  return {
    file: process.execPath,
    args: [program('ocictl'), '--registry', `http://${host}`, '--cache-dir', out, ...args],
  };
}
