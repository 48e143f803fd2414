import { findPeer } from './peers.mjs';
import { benchProgram, program } from './programs.mjs';

/** @typedef {import('./compare.mjs').Contestant} Contestant */

/**
 * Ours: the library, downloading all blobs of an image to files.
 *
 * @param {{ repository: string, tag: string }} image
 * @returns {Contestant}
 */
export function ourPuller({ repository, tag }) {
  return {
    name: '@oci/client',
    isOurs: true,
    command: ({ host, out }) => ({
      file: process.execPath,
      args: [benchProgram('pull-image'), host, repository, tag, out],
    }),
  };
}

/**
 * The command, which copies an image into an image layout as the peers do.
 *
 * @param {{ repository: string, tag: string }} image
 * @returns {Contestant}
 */
export function ourCommand({ repository, tag }) {
  return {
    name: 'ocictl copy',
    isOurs: true,
    command: ({ host, out }) => ({
      file: process.execPath,
      args: [program('ocictl'), 'copy', `${host}/${repository}:${tag}`, `oci:${out}:${tag}`],
    }),
  };
}

/**
 * The command that writes the files of an artifact into a directory.
 *
 * @param {{ repository: string, tag: string }} image
 * @returns {Contestant}
 */
export function ourPull({ repository, tag }) {
  return {
    name: 'ocictl pull',
    isOurs: true,
    command: ({ host, out }) => ({
      file: process.execPath,
      args: [program('ocictl'), 'pull', `${host}/${repository}:${tag}`, '--output', out],
    }),
  };
}

/**
 * Every installed client, as it pulls an image into a directory of verified files with the fewest changes to
 * the bytes: none compresses or unpacks.
 *
 * @param {{ repository: string, tag: string }} image
 * @param {{ isSecure?: boolean }} [access] over TLS, with verification
 * @returns {Contestant[]}
 */
export function peerPullers({ repository, tag }, { isSecure = false } = {}) {
  const plain = (/** @type {string[]} */ ...args) => (isSecure ? [] : args);
  const name = (/** @type {string} */ host) => `${host}/${repository}:${tag}`;
  return [
    ...contestant('crane', ({ host, out }) => [
      'pull',
      ...plain('--insecure'),
      '--format=oci',
      name(host),
      out,
    ]),
    ...contestant('oras', ({ host, out }) => [
      'copy',
      ...plain('--from-plain-http'),
      name(host),
      '--to-oci-layout',
      `${out}:${tag}`,
    ]),
    ...contestant('regctl', ({ host, out }) => [
      '--host',
      `reg=${host},tls=${isSecure ? 'enabled' : 'disabled'}`,
      '--verbosity',
      'error',
      'image',
      'copy',
      name(host),
      `ocidir://${out}:${tag}`,
    ]),
    ...contestant('skopeo', ({ host, out }) => [
      'copy',
      '--quiet',
      ...plain('--src-tls-verify=false'),
      `docker://${name(host)}`,
      `dir:${out}`,
    ]),
  ];
}

/**
 * @param {import('./peers.mjs').PeerName} peer
 * @param {(where: import('./compare.mjs').Where) => string[]} args
 * @returns {Contestant[]} none where it is not installed
 */
export function contestant(peer, args) {
  const file = findPeer(peer);
  if (file === undefined) return [];
  return [{ name: peer, command: (where) => ({ file, args: args(where) }) }];
}
