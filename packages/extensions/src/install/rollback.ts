import type { ExtensionType } from '@oci/manager';
import { OciError } from '@oci/spec-types';

import { activate, installHome, withHome } from './install-home.js';
import { type InventoryEntry, installedExtension } from './installed.js';

/** Which version a rollback left, and which one is in use now. */
export interface RolledBack {
  readonly type: ExtensionType;
  readonly name: string;
  readonly from: string | null;
  readonly version: string;
  /** Absolute. */
  readonly path: string;
}

/**
 * Puts the version into use that was before, or another one that is in place; what is left becomes the
 * one before, so that a second rollback undoes the first.
 *
 * @throws OciError `NAME_UNKNOWN` when it is not installed, `MANIFEST_UNKNOWN` when that version is not,
 * `USAGE` when there is none from before
 */
export async function rollbackExtension(
  extension: { readonly type: ExtensionType; readonly name: string },
  options: {
    readonly installDir: string;
    /** Default: the version that was in use before. */
    readonly to?: string | undefined;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<RolledBack> {
  const home = installHome(options.installDir, extension);
  if (!(await installedExtension(options.installDir, extension))) throw notInstalled(extension);
  return withHome(
    home,
    async (staging) => {
      const entry = await installedExtension(options.installDir, extension);
      if (!entry) throw notInstalled(extension);
      const chosen = versionOf(entry, options.to);
      const isSame = entry.current === chosen.version;
      const previous = isSame ? entry.previous : entry.current;
      await activate(home, { current: chosen.version, previous }, staging);
      const { version, path } = chosen;
      return { ...extension, from: entry.current, version, path };
    },
    options.signal,
  );
}

function versionOf(
  entry: InventoryEntry,
  to: string | undefined,
): InventoryEntry['versions'][number] {
  const wanted = to ?? entry.previous;
  const chosen = entry.versions.find(({ version }) => version === wanted);
  if (chosen) return chosen;
  if (to !== undefined) throw versionNotInstalled(entry, to);
  throw new OciError('USAGE', `${entry.type} ${entry.name} has no version from before`, {
    hint: installedAre(entry),
  });
}

export function versionNotInstalled(entry: InventoryEntry, version: string): OciError {
  const { type, name } = entry;
  return new OciError('MANIFEST_UNKNOWN', `${type} ${name} ${version} is not installed`, {
    hint: installedAre(entry),
  });
}

function installedAre({ versions }: InventoryEntry): string {
  return `Installed are ${versions.map(({ version }) => version).join(', ')}.`;
}

export function notInstalled(extension: {
  readonly type: string;
  readonly name: string;
}): OciError {
  return new OciError('NAME_UNKNOWN', `${extension.type} ${extension.name} is not installed`, {
    hint: 'List what is installed.',
    reason: { kind: 'extension-not-installed' },
  });
}
