import { rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { hasCode, onStorage, refuseLinks } from '@oci/files';
import {
  type CallOptions,
  type Digest,
  OciError,
  type RepositoryName,
  childrenOf,
  maxManifestSize,
  throwIfAborted,
} from '@oci/spec-types';
import { verifyManifest } from '@oci/spec-types/node';

import type { HostedRegistry } from '../hosted/hosted-registry.js';
import { readContained } from './contained-file.js';
import type { ExportDirectory } from './export-directory.js';
import { digestOfBlobKey, exportPaths } from './export-format.js';
import { repositoriesBelow } from './repository-walk.js';
import type { TransferReport } from './transfer-report.js';

/** Blobs that are compared at once with all that the export lists. */
const batchSize = 100_000;

/**
 * Removes from an export the repositories that are gone, and then blobs that nothing in it names. Costs a look at
 * every manifest of the export for each 100,000 blobs.
 */
export async function pruneExport(
  parts: {
    readonly registry: HostedRegistry;
    readonly directory: ExportDirectory;
    readonly isChosen: (name: RepositoryName) => boolean;
  },
  report: TransferReport,
  options: CallOptions = {},
): Promise<void> {
  const { registry, directory, isChosen } = parts;
  for (const name of await exportedNames(directory)) {
    throwIfAborted(options.signal);
    if (!isChosen(name) || (await registry.hasRepository(name))) continue;
    await removeRepository(directory, name);
    report.removed.repositories += 1;
  }
  const { store } = directory;
  for (let after: string | undefined; ;) {
    const batch = new Map<string, string>();
    for await (const key of store.list(exportPaths.allBlobs, { after, ...options })) {
      batch.set(digestOfBlobKey(key), key);
      after = key;
      if (batch.size === batchSize) break;
    }
    if (batch.size === 0) return;
    await leaveOutUsed(directory, batch, options);
    for (const key of batch.values()) await store.delete(key);
    report.removed.blobs += batch.size;
  }
}

/** Takes out of a batch what the export names. */
async function leaveOutUsed(
  directory: ExportDirectory,
  batch: Map<string, string>,
  { signal }: CallOptions,
): Promise<void> {
  for (const name of await exportedNames(directory)) {
    const index = await directory.readIndex(name);
    for (const { digest, mediaType, size } of index?.manifests.values() ?? []) {
      throwIfAborted(signal);
      batch.delete(digest);
      const path = exportPaths.blob(digest);
      const bytes = await readContained(directory.path, path, maxManifestSize);
      // What only that manifest names would go, and could not be told from what nothing names.
      if (!bytes) throw lacking(directory.path, digest);
      const manifest = verifyManifest(bytes, { mediaType, digest, size });
      for (const child of childrenOf(manifest)) batch.delete(child.digest);
    }
  }
}

function lacking(path: string, digest: Digest): OciError {
  return new OciError('BLOB_UNKNOWN', `the export in ${path} lacks the manifest ${digest}`, {
    hint: 'Export again with --verify, which copies what is missing; then remove with --prune.',
  });
}

async function exportedNames(directory: ExportDirectory): Promise<readonly RepositoryName[]> {
  const names: RepositoryName[] = [];
  const { repositories: relative, layoutName: marker } = exportPaths;
  for await (const found of repositoriesBelow(directory.path, { relative, marker }))
    if ('name' in found) names.push(found.name);
  return names;
}

/** Removes the layout of a repository, and directories above it that are empty then. */
async function removeRepository(directory: ExportDirectory, name: RepositoryName): Promise<void> {
  const root = join(directory.path, exportPaths.repositories);
  let path = join(directory.path, exportPaths.layout(name));
  await onStorage({ path }, async () => {
    refuseLinks(directory.path, path);
    await rm(path, { recursive: true, force: true });
    try {
      for (path = dirname(path); path !== root; path = dirname(path)) await rmdir(path);
    } catch (error) {
      if (!hasCode(error, 'ENOTEMPTY', 'EEXIST')) throw error;
    }
  });
}
