import { fileURLToPath } from 'node:url';

import { type ProgramResult, run } from '@oci/testing';

const program = fileURLToPath(new URL('../dist/main.js', import.meta.url));

/** The built command, with a home and a cache of its own. */
export interface Ocictl {
  (...args: readonly string[]): Promise<ProgramResult>;
  readonly cacheDir: string;
}

/** The file to run, and the environment that keeps everything that it writes below `home`. */
export function ocictlProgram(
  home: string,
  registry: string,
): { readonly program: string; readonly env: Readonly<Record<string, string>> } {
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    XDG_CONFIG_HOME: `${home}/config`,
    XDG_DATA_HOME: `${home}/data`,
    DOCKER_CONFIG: `${home}/docker`,
    OCI_REGISTRY_URL: registry,
    OCI_CACHE_DIR: `${home}/cache`,
    OCI_CONFIG: '',
    CI: '',
  };
  return { program, env };
}

/** `ocictl` as a user runs it, on a registry. */
export function ocictl(
  home: string,
  registry: string,
  further: Readonly<Record<string, string>> = {},
): Ocictl {
  const { env } = ocictlProgram(home, registry);
  const command = (...args: readonly string[]): Promise<ProgramResult> =>
    run(process.execPath, [program, ...args], { env: { ...env, ...further } });
  return Object.assign(command, { cacheDir: env['OCI_CACHE_DIR'] ?? '' });
}
