import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';

import type { Cache, ReferenceKey } from '@oci/cache';
import { copy } from '@oci/client/copy';
import { LayoutArchive, LayoutDirectory } from '@oci/client/layout';
import { annotations, formatReference, isOciError, isTag, parseReference } from '@oci/spec-types';

import {
  type CacheLayoutOptions,
  copyOptions,
  layoutName,
  presentPlatforms,
} from './layout-copy.js';
import { type CacheLayoutReport, LayoutReport } from './layout-report.js';

export interface CacheImportOptions extends CacheLayoutOptions {
  /** Where entries go that are named by a tag alone: `registry/repository`. */
  readonly repository?: string | undefined;
}

/**
 * Reads the named artifacts of an image layout, a directory or a tar, into a cache, each under its
 * reference, so that it is pulled without a network from then on.
 *
 * @throws OciError `NAME_UNKNOWN` where there is no layout, `DOCUMENT_INVALID`, `ARCHIVE_INVALID`,
 * `DIGEST_MISMATCH`
 */
export async function importLayout(
  cache: Cache,
  path: string,
  options: CacheImportOptions = {},
): Promise<CacheLayoutReport> {
  const layout = await openLayout(path);
  try {
    const report = new LayoutReport(layout.path);
    for (const entry of await layout.entries()) {
      const name = entry.annotations?.[annotations.refName];
      // What has no name belongs to what has one: a manifest of an index, a signature.
      if (name === undefined) continue;
      const key = keyOf(name, options.repository);
      if (!key) {
        report.skip(name, 'it names no repository, and no `repository` was given');
        continue;
      }
      if (options.dryRun) {
        report.tell(formatReference(key), entry.digest);
        continue;
      }
      const platforms = await presentPlatforms(layout, entry.digest);
      if (platforms === 'incomplete') {
        report.skip(name, 'the layout does not hold all of it');
        continue;
      }
      const source = { repository: layout, reference: layoutName(name) };
      await using lease = cache.lease();
      const target = { repository: cache.repository(key, lease), tags: [key.tag] };
      report.move(
        formatReference(key),
        await copy(source, target, copyOptions(options, platforms)),
      );
    }
    return report.end();
  } finally {
    if (layout instanceof LayoutArchive) await layout.close();
  }
}

function keyOf(name: string, repository: string | undefined): ReferenceKey | undefined {
  const text = isTag(name) ? repository && `${repository}:${name}` : name;
  if (!text) return undefined;
  try {
    const { registry, repository: place, tag } = parseReference(text);
    return tag === undefined ? undefined : { registry, repository: place, tag };
  } catch (error) {
    if (isOciError(error)) return undefined;
    throw error;
  }
}

async function openLayout(path: string): Promise<LayoutArchive | LayoutDirectory> {
  const info = await stat(resolve(path)).catch(() => undefined);
  return info?.isFile() ? LayoutArchive.open(path) : LayoutDirectory.open(path);
}
