import type { Cache, StoredReference } from '@oci/cache';
import { compareVersions } from '@oci/manager';
import { OciError, formatReference, isOciError, totalSize, versionOfTag } from '@oci/spec-types';

import type { Invocation } from '../command/definition.js';
import { withContext } from '../context.js';
import { type RegistryOf, readReference } from '../registry/named-artifact.js';
import type { Drawing } from '../render/page.js';
import { ageText, shortDigest, sizeText } from '../render/quantity.js';
import { table } from '../render/table.js';

interface ListInput {
  /** A repository, or the beginning of one up to a slash. */
  readonly repository?: string;
  readonly limit?: number;
  /** The last reference of the page before. */
  readonly after?: string;
}

/** A reference of the cache, as it is listed. */
interface Listed {
  readonly stored: StoredReference;
  readonly text: string;
  /** Bytes of all layers; null where the manifest cannot be read. */
  readonly size: number | null;
  readonly pinned: boolean;
  readonly lastUse: Date;
}

const defaultLimit = 1000;

export async function listCache(input: ListInput, invocation: Invocation): Promise<void> {
  await withContext(invocation, async ({ manager, registries, output }) => {
    const cache = await manager.cache({ make: false });
    const all = await matching(cache, input.repository);
    const begin = behind(all, input.after, registries.registryOf);
    const { limit = defaultLimit } = input;
    const page = all.slice(begin, begin + limit);
    const pins = new Set((await cache.pins.list()).map((key) => formatReference(key)));
    const listed: Listed[] = [];
    for (const entry of page) listed.push(await describe(entry, { cache, pins }));
    const next = begin + limit < all.length ? (page.at(-1)?.text ?? null) : null;
    output.print({
      json: { cache_dir: cache.dir, references: listed.map(jsonOf), total: all.length, next },
      text:
        all.length === 0
          ? `nothing is in ${cache.dir}`
          : rows(listed, next === null ? null : { ...input, after: next }),
      brief: listed.map(({ text }) => text).join('\n'),
    });
  });
}

interface Entry {
  readonly stored: StoredReference;
  readonly text: string;
}

/** Returns the index at which a page begins. @throws OciError `MANIFEST_UNKNOWN` when what it follows is not there */
function behind(all: readonly Entry[], after: string | undefined, registryOf: RegistryOf): number {
  if (after === undefined) return 0;
  const last = formatReference(readReference(after, registryOf));
  const at = all.findIndex(({ text }) => text === last);
  if (at >= 0) return at + 1;
  throw new OciError('MANIFEST_UNKNOWN', `${last} is not in the cache`, {
    hint: 'It may have been pruned: list again from the beginning, without --after.',
  });
}

/** By registry, repository and version. */
async function matching(cache: Cache, repository: string | undefined): Promise<readonly Entry[]> {
  const found: Entry[] = [];
  for await (const stored of cache.references.list()) {
    const name = stored.key.repository;
    if (repository === undefined || name === repository || name.startsWith(`${repository}/`))
      found.push({ stored, text: formatReference(stored.key) });
  }
  return found.sort(({ stored: { key: a } }, { stored: { key: b } }) => {
    if (a.registry !== b.registry) return a.registry < b.registry ? -1 : 1;
    if (a.repository !== b.repository) return a.repository < b.repository ? -1 : 1;
    return compareVersions(versionOfTag(a.tag), versionOfTag(b.tag));
  });
}

async function describe(
  { stored, text }: Entry,
  { cache, pins }: { readonly cache: Cache; readonly pins: ReadonlySet<string> },
): Promise<Listed> {
  const used = (await cache.references.lastUse(stored.key)) ?? stored.storedAt;
  const size = await sizeOf(cache, stored);
  return { stored, text, size, pinned: pins.has(text), lastUse: new Date(used) };
}

async function sizeOf(cache: Cache, { key, entry }: StoredReference): Promise<number | null> {
  try {
    const manifest = await cache.repository(key).fetchManifest(entry);
    const { document, kind } = manifest;
    const layers = kind === 'image' ? document.layers : document.manifests;
    return totalSize(layers);
  } catch (error) {
    // A listing shows what is there, also of a cache that is damaged.
    if (isOciError(error)) return null;
    throw error;
  }
}

function jsonOf({ stored: { key, entry, storedAt }, text, size, pinned, lastUse }: Listed): object {
  return {
    reference: text,
    registry: key.registry,
    repository: key.repository,
    version: versionOfTag(key.tag),
    manifest_digest: entry.digest,
    size,
    pinned,
    last_use: lastUse.toISOString(),
    stored_at: new Date(storedAt).toISOString(),
  };
}

/** @param next the page behind this one, when there is one */
function rows(listed: readonly Listed[], next: ListInput | null): Drawing {
  const drawn = table(
    [
      { heading: 'REGISTRY', shrinksTo: 10, leaves: 2 },
      { heading: 'NAME', shrinksTo: 12 },
      { heading: 'VERSION', shrinksTo: 8 },
      { heading: 'SIZE', align: 'right' },
      { heading: 'USED', leaves: 1 },
      { heading: 'PINNED' },
      { heading: 'MANIFEST', leaves: 3 },
    ],
    listed.map(({ stored: { key, entry }, size, pinned, lastUse }) => [
      key.registry,
      key.repository,
      versionOfTag(key.tag),
      size === null ? '-' : sizeText(size),
      ageText(lastUse),
      pinned ? 'yes' : '-',
      shortDigest(entry.digest),
    ]),
  );
  if (next === null) return drawn;
  return (page) => `${drawn(page)}\nmore: ${commandOf(next)}`;
}

function commandOf({ repository, limit, after }: ListInput): string {
  const words = ['ocictl cache list', repository ?? ''];
  if (limit !== undefined) words.push(`--limit ${limit}`);
  return [...words, `--after ${after}`].filter(Boolean).join(' ');
}
