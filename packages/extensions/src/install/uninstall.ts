import { readlink, rename } from 'node:fs/promises';
import { join } from 'node:path';

import type { ExtensionType } from '@oci/manager';
import { OciError } from '@oci/spec-types';

import {
  type InstallHome,
  activate,
  foreignEntries,
  installHome,
  sweepContent,
  withHome,
} from './install-home.js';
import { type InventoryEntry, installedExtension, listInstalled } from './installed.js';
import { notInstalled, versionNotInstalled } from './rollback.js';

/** What was removed. */
export interface Uninstalled {
  readonly type: ExtensionType;
  readonly name: string;
  readonly versions: readonly string[];
}

export interface UninstallOptions {
  readonly installDir: string;
  /** Default: all versions. */
  readonly version?: string | undefined;
  /** Also when other extensions need it. */
  readonly force?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Removes an extension, or one of its versions that is not in use. It is gone in one step; what was not
 * installed is never touched.
 *
 * @throws OciError `NAME_UNKNOWN` when it is not installed, `MANIFEST_UNKNOWN` when that version is not,
 * `USAGE` when it is in use, is needed, or has foreign files
 */
export async function uninstallExtension(
  extension: { readonly type: ExtensionType; readonly name: string },
  options: UninstallOptions,
): Promise<Uninstalled> {
  const home = installHome(options.installDir, extension);
  if (!(await installedExtension(options.installDir, extension))) throw notInstalled(extension);
  return withHome(
    home,
    async (staging) => {
      const entry = await installedExtension(options.installDir, extension);
      if (!entry) throw notInstalled(extension);
      const { version } = options;
      const isWhole =
        version === undefined || entry.versions.every((one) => one.version === version);
      if (!isWhole) return removeVersion(entry, version, { home, staging });
      if (options.force !== true) await refuseNeeded(entry, options.installDir);
      return removeAll(entry, { home, staging });
    },
    options.signal,
  );
}

interface Place {
  readonly home: InstallHome;
  readonly staging: string;
}

async function removeAll(entry: InventoryEntry, { home, staging }: Place): Promise<Uninstalled> {
  const foreign = await foreignEntries(home);
  if (foreign.length > 0) {
    throw new OciError(
      'USAGE',
      `${home.directory} has what was not installed: ${foreign.slice(0, 5).join(', ')}`,
      { hint: 'Move it away first.' },
    );
  }
  await rename(home.directory, join(staging, 'removed'));
  return { ...named(entry), versions: entry.versions.map(({ version }) => version) };
}

async function removeVersion(
  entry: InventoryEntry,
  version: string,
  { home, staging }: Place,
): Promise<Uninstalled> {
  if (!entry.versions.some((installed) => installed.version === version))
    throw versionNotInstalled(entry, version);
  if (entry.current === version) {
    throw new OciError('USAGE', `${entry.type} ${entry.name} ${version} is in use`, {
      hint: 'Put another version into use first: roll back.',
      reason: { kind: 'version-in-use', type: entry.type, name: entry.name },
    });
  }
  // The record must not name what is gone.
  if (entry.previous === version && entry.current !== null)
    await activate(home, { current: entry.current, previous: null }, staging);
  const link = join(home.directory, version);
  await readlink(link);
  await rename(link, join(staging, 'removed'));
  await sweepContent(home, staging);
  return { ...named(entry), versions: [version] };
}

async function refuseNeeded(entry: InventoryEntry, installDir: string): Promise<void> {
  const own = `${entry.type}/${entry.name}`;
  const needing = (await listInstalled(installDir)).filter(({ current, versions }) =>
    versions.some(({ version, dependencies }) => version === current && dependencies.includes(own)),
  );
  if (needing.length === 0) return;
  const names = needing.map(({ type, name }) => `${type} ${name}`).join(', ');
  throw new OciError('USAGE', `${entry.type} ${entry.name} is needed by ${names}`, {
    hint: 'Uninstall these first, or use `force`.',
    reason: { kind: 'extension-needed' },
  });
}

function named({ type, name }: InventoryEntry): { type: ExtensionType; name: string } {
  return { type, name };
}
