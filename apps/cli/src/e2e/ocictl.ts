import { fileURLToPath } from 'node:url';

import { type ProgramResult, run } from '@oci/testing';

const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** The built command, with a home and a cache of its own. */
export interface Ocictl {
  (...args: readonly string[]): Promise<ProgramResult>;
  readonly cacheDir: string;
}

/** `ocictl` as a user runs it, on a registry, with everything that it writes below `home`. */
export function ocictl(home: string, registry: string): Ocictl {
  const cacheDir = `${home}/cache`;
  const env = {
    HOME: home,
    XDG_CONFIG_HOME: `${home}/config`,
    XDG_DATA_HOME: `${home}/data`,
    DOCKER_CONFIG: `${home}/docker`,
    OCI_REGISTRY_URL: registry,
    OCI_CACHE_DIR: cacheDir,
    OCI_CONFIG: '',
    CI: '',
  };
  const command = (...args: readonly string[]): Promise<ProgramResult> =>
    run(process.execPath, [main, ...args], { env });
  return Object.assign(command, { cacheDir });
}
