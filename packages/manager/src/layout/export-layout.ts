import { resolve } from 'node:path';

import type { Cache, StoredReference } from '@oci/cache';
import { copy } from '@oci/client/copy';
import { LayoutArchive, LayoutDirectory } from '@oci/client/layout';
import { OciError, formatReference } from '@oci/spec-types';

import {
  type CacheLayoutOptions,
  copyOptions,
  layoutName,
  presentPlatforms,
} from './layout-copy.js';
import { type CacheLayoutReport, LayoutReport } from './layout-report.js';

export interface CacheExportOptions extends CacheLayoutOptions {
  /** `registry/repository:tag`, or as much of its end as names it alone; default all. */
  readonly references?: readonly string[] | undefined;
}

/**
 * Writes references of a cache, with all that refers to them, to an image layout: a tar when the path ends
 * with `.tar`, else a directory, which may hold a layout already.
 *
 * @throws OciError `MANIFEST_UNKNOWN` for a reference that is not in the cache, `STORAGE_…`
 */
export async function exportLayout(
  cache: Cache,
  path: string,
  options: CacheExportOptions = {},
): Promise<CacheLayoutReport> {
  const chosen = await choose(cache, options.references);
  const report = new LayoutReport(resolve(path));
  await using layout = options.dryRun ? undefined : await createLayout(path);
  for (const { key, entry } of chosen) {
    const name = formatReference(key);
    await using lease = cache.lease();
    await lease.add([entry.digest], options.signal);
    const platforms = await presentPlatforms(cache.repository(key), entry.digest);
    if (platforms === 'incomplete' || !(await cache.references.isComplete(key))) {
      report.skip(name, 'not all of it is in the cache');
      continue;
    }
    if (!layout) {
      report.tell(name, entry.digest);
      continue;
    }
    const source = { repository: cache.repository(key), reference: key.tag };
    const target = { repository: layout.repository, tags: [layoutName(name)] };
    const result = await copy(source, target, copyOptions(options, platforms));
    report.move(name, result);
  }
  await layout?.finish();
  return report.end();
}

async function choose(
  cache: Cache,
  wanted: readonly string[] | undefined,
): Promise<readonly StoredReference[]> {
  const all = new Map<string, StoredReference>();
  for await (const reference of cache.references.list())
    all.set(formatReference(reference.key), reference);
  const names = wanted?.length ? wanted.map((text) => matching(text, [...all.keys()])) : all.keys();
  return [...new Set(names)]
    .sort((a, b) => (a < b ? -1 : 1))
    .map((name) => all.get(name))
    .filter((reference) => reference !== undefined);
}

function matching(text: string, names: readonly string[]): string {
  const found = names.filter((name) => name === text || name.endsWith(`/${text}`));
  const [name, ...others] = found;
  if (name !== undefined && others.length === 0) return name;
  if (name === undefined) {
    throw new OciError('MANIFEST_UNKNOWN', `${text.slice(0, 300)} is not in the cache`, {
      hint: 'Pull it first.',
    });
  }
  throw new OciError('REFERENCE_INVALID', `${text.slice(0, 300)} is not the end of one reference`, {
    hint: `Say which: ${found.slice(0, 8).join(', ')}.`,
  });
}

interface WritableLayout extends AsyncDisposable {
  readonly repository: LayoutArchive | LayoutDirectory;
  readonly finish: () => Promise<void>;
}

async function createLayout(path: string): Promise<WritableLayout> {
  if (!/\.tar$/i.test(path)) {
    const repository = await LayoutDirectory.open(path, { create: true });
    const nothing = async (): Promise<void> => {};
    return { repository, finish: nothing, [Symbol.asyncDispose]: nothing };
  }
  const repository = await LayoutArchive.create(path);
  return {
    repository,
    finish: () => repository.finish(),
    [Symbol.asyncDispose]: () => repository.close(),
  };
}
