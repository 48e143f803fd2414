import {
  type InventoryEntry,
  extensionCandidates,
  listInstalled,
  newestWanted,
  publishedDigest,
  selectVersion,
} from '@oci/extensions';
import type { OciManager } from '@oci/manager';
import { type EventListener, isOciError } from '@oci/spec-types';

import type { Invocation } from '../command/definition.js';
import { withContext } from '../context.js';
import { installDirOf } from './extension-settings.js';
import {
  type ListedExtension,
  extensionTable,
  extensionTree,
  isOutdated,
} from './listed-extension.js';

export async function listExtensions(
  args: { readonly installDir?: string; readonly outdated?: boolean; readonly tree?: boolean },
  invocation: Invocation,
): Promise<void> {
  await withContext(invocation, async ({ manager, output, progress, settings, signal }) => {
    const installDir = installDirOf(settings, args.installDir);
    const installed = await listInstalled(installDir);
    const listed: ListedExtension[] = [];
    for (const entry of installed)
      listed.push(
        args.outdated ? await compared(entry, manager, { signal, onEvent: progress }) : entry,
      );
    const drawing = args.tree ? extensionTree(installDir, listed) : extensionTable(listed);
    output.print({
      json: { install_dir: installDir, extensions: listed.map(entryJson) },
      text: listed.length === 0 ? `nothing is installed in ${installDir}` : drawing,
      brief: listed.map(({ type, name, current }) => `${type} ${name} ${current}`),
    });
  });
}

interface Call {
  readonly signal: AbortSignal;
  readonly onEvent: EventListener;
}

async function compared(
  entry: InventoryEntry,
  manager: OciManager,
  call: Call,
): Promise<ListedExtension> {
  const latest = await latestOf(manager, entry, call);
  return { ...entry, latest, republished: await isRepublished(entry, manager, call) };
}

async function isRepublished(
  { versions, current }: InventoryEntry,
  manager: OciManager,
  { signal }: Call,
): Promise<boolean> {
  const inUse = versions.find(({ version }) => version === current);
  if (!inUse) return false;
  try {
    return (await publishedDigest(manager, inUse.source, { signal })) !== inUse.manifestDigest;
  } catch (error) {
    if (isOciError(error, 'NAME_UNKNOWN', 'MANIFEST_UNKNOWN')) return false;
    throw error;
  }
}

async function latestOf(
  manager: OciManager,
  { type, name, current }: InventoryEntry,
  call: Call,
): Promise<string | null> {
  try {
    const versions = await manager.listExtensionVersions(type, name, { signal: call.signal });
    const newest = selectVersion(versions, undefined) ?? null;
    // What is in use is an extension.
    if (newest === current) return newest;
    const candidates = extensionCandidates({ type, name, versions }, manager, call);
    return (await newestWanted(candidates)) ?? null;
  } catch (error) {
    // It may have been installed from another registry.
    if (isOciError(error, 'NAME_UNKNOWN')) return null;
    throw error;
  }
}

function entryJson(entry: ListedExtension): object {
  const { type, name, current, previous, latest, republished, versions } = entry;
  return {
    type,
    name,
    current,
    previous,
    ...(latest !== undefined && { latest, outdated: isOutdated(entry), republished }),
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
