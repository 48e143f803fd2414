import { fileURLToPath } from 'node:url';

const entries = {
  ocictl: '../../apps/cli/bin/ocictl.js',
  'oci-server': '../../apps/server/bin/oci-server.js',
};

/**
 * The built command or server, as it is installed.
 *
 * @param {keyof typeof entries} name
 */
export function program(name) {
  return fileURLToPath(new URL(entries[name], import.meta.url));
}

/**
 * A program of this directory's `programs/`, over the built libraries.
 *
 * @param {string} name
 */
export function benchProgram(name) {
  return fileURLToPath(new URL(`../programs/${name}.mjs`, import.meta.url));
}
