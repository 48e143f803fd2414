import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { type ExtensionType, compareVersions, extensionTypes } from '@oci/manager';
import { isRepositoryName } from '@oci/spec-types';

import { installHome, versionsIn } from './install-home.js';
import { type InstallOrigin, readInstalled, readOrigin } from './install-record.js';

/** One version that is in place. */
export interface InstalledVersion extends InstallOrigin {
  readonly version: string;
  /** Absolute. */
  readonly path: string;
}

/** An extension with all its versions that are in place. */
export interface InventoryEntry {
  readonly type: ExtensionType;
  readonly name: string;
  /** In use; null after something else than this project changed the directory. */
  readonly current: string | null;
  /** What a rollback goes to. */
  readonly previous: string | null;
  /** Oldest first. */
  readonly versions: readonly InstalledVersion[];
}

/** Everything that is installed, by type and name. It reads, and changes nothing. */
export async function listInstalled(installDir: string): Promise<readonly InventoryEntry[]> {
  const found: InventoryEntry[] = [];
  for (const type of extensionTypes) {
    const names = await readdir(join(resolve(installDir), type)).catch(() => []);
    for (const name of names.filter((name) => isRepositoryName(name)).sort()) {
      const entry = await installedExtension(installDir, { type, name });
      if (entry) found.push(entry);
    }
  }
  return found;
}

/** The versions of one extension; undefined when it is not installed. */
export async function installedExtension(
  installDir: string,
  extension: { readonly type: ExtensionType; readonly name: string },
): Promise<InventoryEntry | undefined> {
  const home = installHome(installDir, extension);
  const versions: InstalledVersion[] = [];
  for (const version of await versionsIn(home)) {
    const path = join(home.directory, version);
    const origin = await readOrigin(path);
    if (origin) versions.push({ version, path, ...origin });
  }
  if (versions.length === 0) return undefined;
  const record = await readInstalled(home.directory);
  const isThere = (version: string | null | undefined): version is string =>
    versions.some((installed) => installed.version === version);
  return {
    type: extension.type,
    name: extension.name,
    current: isThere(record?.current) ? record.current : null,
    previous: isThere(record?.previous) ? record.previous : null,
    versions: versions.sort((a, b) => compareVersions(a.version, b.version)),
  };
}
