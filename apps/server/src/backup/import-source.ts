import { lstat, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { LayoutArchive, LayoutDirectory, type LayoutRepository } from '@oci/client/layout';
import { onStorage, unlessMissing } from '@oci/files';
import { OciError, type RepositoryName } from '@oci/spec-types';

import { DockerRegistrySource, dockerRegistryPaths } from './docker-registry-source.js';
import { ExportDirectory } from './export-directory.js';
import { exportPaths } from './export-format.js';
import { ExportedSource } from './exported-source.js';
import type { ContentSource } from './repository-content.js';
import { type WalkedRepository, repositoriesBelow } from './repository-walk.js';

/** What can be imported: what `oci-server export` wrote, an OCI image layout, the directory of a `docker-registry`. */
export const sourceTypes = ['export', 'layout', 'docker-registry'] as const;
export type SourceType = (typeof sourceTypes)[number];

/** Repositories to import from: each as a source of its own, or one layout. */
export type ImportSource =
  | {
      readonly type: 'export' | 'docker-registry';
      readonly path: string;
      readonly repositories: () => AsyncIterable<WalkedRepository>;
      readonly open: (name: RepositoryName) => Promise<ContentSource>;
    }
  | { readonly type: 'layout'; readonly path: string; readonly layout: LayoutRepository };

/**
 * Opens what is to be imported.
 *
 * @throws OciError `USAGE`, `NAME_UNKNOWN`, `DOCUMENT_INVALID`, `POLICY_REFUSED` for an export that is not complete
 */
export async function openImportSource(
  given: string,
  {
    type,
    allowIncomplete = false,
  }: { readonly type?: SourceType | undefined; readonly allowIncomplete?: boolean } = {},
): Promise<ImportSource> {
  const path = resolve(given);
  const found = type ?? (await typeOf(path));
  if (found === 'layout') return { type: found, path, layout: await openLayout(path) };
  if (found === 'docker-registry') {
    const { repositories: relative, marker } = dockerRegistryPaths;
    return {
      type: found,
      path,
      repositories: () => repositoriesBelow(path, { relative, marker }),
      open: async (name) => new DockerRegistrySource(path, name),
    };
  }
  await checkMark(path, allowIncomplete);
  const { repositories: relative, layoutName: marker } = exportPaths;
  return {
    type: found,
    path,
    repositories: () => repositoriesBelow(path, { relative, marker }),
    open: (name) => ExportedSource.open(path, name),
  };
}

async function typeOf(path: string): Promise<SourceType> {
  return onStorage({ path }, async () => {
    const info = await stat(path).catch(unlessMissing);
    if (!info) throw missing(path);
    if (info.isFile()) return 'layout';
    const has = async (name: string): Promise<boolean> =>
      (await lstat(join(path, name)).catch(unlessMissing)) !== undefined;
    if (await has(exportPaths.mark)) return 'export';
    if (await has('oci-layout')) return 'layout';
    if (await has(dockerRegistryPaths.repositories)) return 'docker-registry';
    throw new OciError('USAGE', `${path} is nothing that can be imported`, {
      hint: `Name what oci-server export wrote (with ${exportPaths.mark}), an OCI image layout (with oci-layout), or the directory of a docker-registry (with docker/registry/v2).`,
    });
  });
}

function missing(path: string): OciError {
  return new OciError('NAME_UNKNOWN', `there is nothing to import at ${path}`, {
    hint: 'Check the path: it is a directory, or the tar of an OCI image layout.',
  });
}

async function openLayout(path: string): Promise<LayoutRepository> {
  const info = await onStorage({ path }, () => stat(path));
  return info.isFile() ? LayoutArchive.open(path) : LayoutDirectory.open(path);
}

async function checkMark(path: string, allowIncomplete: boolean): Promise<void> {
  const mark = await new ExportDirectory(path).readMark();
  if (!mark) throw missing(path);
  if (mark.complete || allowIncomplete) return;
  throw new OciError(
    'POLICY_REFUSED',
    `the export in ${path} is not complete: it was begun at ${mark.begun}, and did not end`,
    { hint: 'Run oci-server export again, or import what there is: --allow-incomplete.' },
  );
}
