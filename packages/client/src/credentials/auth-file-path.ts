import { join } from 'node:path';

import { homeDirectory } from '@oci/files';

/** Whose files are read and written. */
export interface AuthFileLocation {
  /**
   * Default `process.env`: `DOCKER_AUTH_CONFIG`, `REGISTRY_AUTH_FILE`, `DOCKER_CONFIG`,
   * `XDG_RUNTIME_DIR`, `XDG_CONFIG_HOME`.
   */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Default: the user's. */
  readonly homeDir?: string | undefined;
}

/** The files to look into, in order: one that is named is the only one, else docker's, then podman's. */
export function authFilePaths({
  env = process.env,
  homeDir = homeDirectory(),
}: AuthFileLocation): readonly string[] {
  const only = env['REGISTRY_AUTH_FILE'];
  if (only) return [only];
  if (env['DOCKER_CONFIG']) return [join(env['DOCKER_CONFIG'], 'config.json')];
  const runtime = env['XDG_RUNTIME_DIR'] ?? `/run/containers/${process.getuid?.() ?? 0}`;
  const config = env['XDG_CONFIG_HOME'] ?? join(homeDir, '.config');
  return [
    join(homeDir, '.docker', 'config.json'),
    env['XDG_RUNTIME_DIR'] ? join(runtime, 'containers/auth.json') : join(runtime, 'auth.json'),
    join(config, 'containers/auth.json'),
    join(homeDir, '.dockercfg'),
  ];
}

/** The file that a login is written to. */
export function authFileToWrite(location: AuthFileLocation): string {
  return authFilePaths(location)[0] ?? '';
}
