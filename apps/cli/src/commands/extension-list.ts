import { type InventoryEntry, listInstalled, selectVersion } from '@oci/extensions';
import type { OciManager } from '@oci/manager';
import { isOciError } from '@oci/spec-types';

import type { Invocation } from '../command/invocation.js';
import { withContext } from '../context.js';
import type { Drawing } from '../render/page.js';
import { table } from '../render/table.js';
import { installDirOf } from './extension-settings.js';
import { extensionTree } from './extension-tree.js';
import { type ListedExtension, isOutdated } from './listed-extension.js';

export async function listExtensions(
  args: { readonly installDir?: string; readonly outdated?: boolean; readonly tree?: boolean },
  invocation: Invocation,
): Promise<void> {
  await withContext(invocation, async ({ manager, output, settings, signal }) => {
    const installDir = installDirOf(settings, args.installDir);
    const installed = await listInstalled(installDir);
    const listed: ListedExtension[] = [];
    for (const entry of installed)
      listed.push(
        args.outdated ? { ...entry, latest: await latestOf(manager, entry, signal) } : entry,
      );
    const drawing = args.tree ? extensionTree(installDir, listed) : rows(listed);
    output.print({
      json: { install_dir: installDir, extensions: listed.map(entryJson) },
      text: listed.length === 0 ? `nothing is installed in ${installDir}` : drawing,
      brief: listed.map(({ type, name, current }) => `${type} ${name} ${current}`),
    });
  });
}

async function latestOf(
  manager: OciManager,
  { type, name }: InventoryEntry,
  signal: AbortSignal,
): Promise<string | null> {
  try {
    const versions = await manager.listExtensionVersions(type, name, { signal });
    return selectVersion(versions, undefined) ?? null;
  } catch (error) {
    // It may have been installed from another registry.
    if (isOciError(error, 'NAME_UNKNOWN')) return null;
    throw error;
  }
}

function entryJson(entry: ListedExtension): object {
  const { type, name, current, previous, latest, versions } = entry;
  return {
    type,
    name,
    current,
    previous,
    ...(latest !== undefined && { latest, outdated: isOutdated(entry) }),
    versions: versions.map(({ version, path, digest, manifestDigest, source, installedAt }) => ({
      version,
      path,
      digest,
      manifest_digest: manifestDigest,
      content_digest: digest,
      source,
      installed_at: installedAt,
    })),
  };
}

function rows(listed: readonly ListedExtension[]): Drawing {
  const hasLatest = listed.some(({ latest }) => latest !== undefined);
  return table(
    [
      { heading: 'TYPE' },
      { heading: 'NAME', shrinksTo: 12 },
      { heading: 'IN USE', shrinksTo: 8 },
      ...(hasLatest ? [{ heading: 'LATEST', shrinksTo: 8 }] : []),
      { heading: 'PREVIOUS', shrinksTo: 8, leaves: 1 },
      { heading: 'SOURCE', shrinksTo: 20, leaves: 2, keeps: 'ends' },
    ],
    listed.map((entry) => [
      entry.type,
      entry.name,
      entry.current ?? '-',
      ...(hasLatest ? [`${entry.latest ?? '-'}${isOutdated(entry) ? ' (newer)' : ''}`] : []),
      entry.previous ?? '-',
      entry.versions.find(({ version }) => version === entry.current)?.source ?? '-',
    ]),
  );
}
