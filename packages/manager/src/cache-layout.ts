import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';

import type { Cache, ReferenceKey, StoredReference } from '@oci/cache';
import { type CopyEvent, copy } from '@oci/client/copy';
import { LayoutArchive, LayoutDirectory } from '@oci/client/layout';
import {
  type CallOptions,
  type Descriptor,
  type Digest,
  OciError,
  type Platform,
  type Repository,
  type Tag,
  annotations,
  formatReference,
  isOciError,
  isTag,
  parseReference,
} from '@oci/spec-types';

export interface CacheLayoutOptions extends CallOptions {
  /** Tells what would go, and writes nothing. */
  readonly dryRun?: boolean | undefined;
}

export interface CacheExportOptions extends CacheLayoutOptions {
  /** `registry/repository:tag`, or as much of its end as names it alone; default all. */
  readonly references?: readonly string[] | undefined;
}

export interface CacheImportOptions extends CacheLayoutOptions {
  /** Where entries go that are named by a tag alone: `registry/repository`. */
  readonly repository?: string | undefined;
}

/** A reference that went from a cache to a layout, or back. */
export interface MovedReference {
  readonly reference: string;
  readonly digest: Digest;
  /** Signatures and whatever else refers to it. */
  readonly referrers: number;
}

export interface CacheLayoutReport {
  /** Absolute. */
  readonly path: string;
  readonly moved: readonly MovedReference[];
  /** What was left where it is, and why. */
  readonly skipped: readonly { readonly reference: string; readonly reason: string }[];
  /** Of content that was not there yet. */
  readonly bytes: number;
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
  const report = new Report(resolve(path));
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
    const report = new Report(layout.path);
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

/** A layout's names are any text (image-spec `annotations.md`); the contract of a repository calls them tags. */
function layoutName(name: string): Tag {
  return name as Tag;
}

function copyOptions(
  { signal, onEvent }: CacheLayoutOptions,
  platforms: readonly Platform[] | undefined,
): Parameters<typeof copy>[2] {
  const tell = onEvent && {
    onEvent: (event: CopyEvent) => {
      if (event.type !== 'plan' && event.type !== 'mount') onEvent(event);
    },
  };
  return { signal, referrers: true, ...tell, ...(platforms && { platforms }) };
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

/** A pull brings of an index what its machine needs: those platforms alone can be copied. */
async function presentPlatforms(
  repository: Pick<Repository, 'resolve' | 'fetchManifest' | 'hasBlob'>,
  digest: Digest,
): Promise<readonly Platform[] | 'incomplete' | undefined> {
  try {
    const manifest = await repository.fetchManifest(await repository.resolve(digest));
    if (manifest.kind === 'image') return undefined;
    const { manifests } = manifest.document;
    const here: Descriptor[] = [];
    for (const child of manifests) if (await repository.hasBlob(child)) here.push(child);
    if (here.length === manifests.length) return undefined;
    const platforms = here.map(({ platform }) => platform).filter((known) => known !== undefined);
    return platforms.length > 0 ? platforms : 'incomplete';
  } catch (error) {
    if (isOciError(error, 'MANIFEST_UNKNOWN')) return 'incomplete';
    throw error;
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

async function openLayout(path: string): Promise<LayoutArchive | LayoutDirectory> {
  const info = await stat(resolve(path)).catch(() => undefined);
  return info?.isFile() ? LayoutArchive.open(path) : LayoutDirectory.open(path);
}

class Report {
  readonly #path: string;
  readonly #moved: MovedReference[] = [];
  readonly #skipped: { reference: string; reason: string }[] = [];
  #bytes = 0;

  constructor(path: string) {
    this.#path = path;
  }

  move(reference: string, result: Awaited<ReturnType<typeof copy>>): void {
    const { digest } = result.descriptor;
    this.#moved.push({ reference, digest, referrers: result.referrers });
    this.#bytes += result.copied.bytes;
  }

  /** Of a dry run. */
  tell(reference: string, digest: Digest): void {
    this.#moved.push({ reference, digest, referrers: 0 });
  }

  skip(reference: string, reason: string): void {
    this.#skipped.push({ reference, reason });
  }

  end(): CacheLayoutReport {
    return {
      path: this.#path,
      moved: this.#moved,
      skipped: this.#skipped,
      bytes: this.#bytes,
    };
  }
}
