import { randomUUID } from 'node:crypto';
import { accessSync, constants, existsSync, lstatSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { homeDirectory } from '@oci/files';

type Environment = Readonly<Record<string, string | undefined>>;

/** The directories of the user, by the XDG rules. */
export interface UserDirectories {
  readonly config: string;
  /** Below the temporary directory, as `data`, where there is no home that can be written to. */
  readonly cache: string;
  readonly data: string;
}

export function userDirectories(env: Environment): UserDirectories {
  return {
    // Never below the temporary directory: others may write there.
    get config() {
      return configured(env['XDG_CONFIG_HOME']) ?? join(homeDirectory(), '.config');
    },
    get cache() {
      return writable(env['XDG_CACHE_HOME'], '.cache');
    },
    get data() {
      return writable(env['XDG_DATA_HOME'], '.local/share');
    },
  };
}

function writable(variable: string | undefined, fallback: string): string {
  const inHome = join(homeDirectory(), fallback);
  const hasHome = homeDirectory() !== '' && homeDirectory() !== '/' && canWrite(inHome);
  return configured(variable) ?? (hasHome ? inHome : join(temporaryHome(), fallback));
}

/** Ours alone: a directory that somebody else put there under the same name is left to them. */
function temporaryHome(): string {
  const user = process.getuid?.() ?? 0;
  const home = join(tmpdir(), `ocictl-${user}`);
  try {
    mkdirSync(home, { mode: 0o700 });
  } catch {
    const found = lstatSync(home, { throwIfNoEntry: false });
    const isOurs = found?.isDirectory() && found.uid === user && (found.mode & 0o022) === 0;
    if (found && !isOurs) return `${home}-${randomUUID()}`;
  }
  return home;
}

/** The XDG directories are absolute; others are to be ignored. */
function configured(variable: string | undefined): string | undefined {
  return variable?.startsWith('/') ? variable : undefined;
}

/** Whether a directory is there for us to write to, or can be made. */
function canWrite(path: string): boolean {
  if (!existsSync(path)) return path !== dirname(path) && canWrite(dirname(path));
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
