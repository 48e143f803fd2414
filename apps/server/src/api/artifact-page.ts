import { type Artifact, artifactJson, compareVersions } from '@oci/manager';

import type { IndexedNamespace } from '../artifact-index.js';
import { Refusal } from '../http/refusal.js';
import type { ArtifactOrder, ArtifactPageJson, ArtifactQuery } from './json/artifact-json.js';

/** One page of what a namespace holds; the cursor is the last entry, so that a refresh moves nothing. */
export function artifactPage(indexed: IndexedNamespace, query: ArtifactQuery): ArtifactPageJson {
  const { search, sort = 'name', limit = 100, cursor } = query;
  const order = compareBy(sort);
  const wanted = search?.toLowerCase() ?? '';
  const all = indexed.artifacts
    .filter(({ name }) => name.toLowerCase().includes(wanted))
    .sort(order);
  const after = cursor === undefined ? undefined : readCursor(cursor);
  const rest = after ? all.filter((artifact) => order(artifact, after) > 0) : all;
  const artifacts = rest.slice(0, limit);
  const last = artifacts.at(-1);
  return {
    artifacts: artifacts.map(artifactJson),
    total: all.length,
    next_cursor: last && rest.length > artifacts.length ? writeCursor(last) : null,
    indexed_at: new Date(indexed.indexedAt).toISOString(),
    stale: indexed.stale,
  };
}

type Key = Pick<Artifact, 'name' | 'version' | 'size' | 'createdAt'>;
type Order = (a: Key, b: Key) => number;

const byText = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1);

const orders: Readonly<Record<'name' | 'version' | 'size' | 'created_at', Order>> = {
  name: (a, b) => byText(a.name, b.name),
  version: (a, b) => compareVersions(a.version, b.version),
  size: (a, b) => a.size - b.size,
  created_at: (a, b) => byText(a.createdAt ?? '', b.createdAt ?? ''),
};

/** What is alike in the wanted order is by name and version, so that no two entries are equal. */
function compareBy(sort: ArtifactOrder): Order {
  const sign = sort.startsWith('-') ? -1 : 1;
  const wanted = orders[sort.replace('-', '') as keyof typeof orders];
  return (a, b) =>
    sign * wanted(a, b) ||
    orders.name(a, b) ||
    orders.version(a, b) ||
    byText(a.version, b.version);
}

function writeCursor({ name, version, size, createdAt }: Artifact): string {
  return Buffer.from(JSON.stringify([name, version, size, createdAt])).toString('base64url');
}

/** @throws Refusal 404 */
function readCursor(cursor: string): Key {
  try {
    const fields: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    const [name, version, size, createdAt] = fields as unknown[];
    if (
      typeof name === 'string' &&
      typeof version === 'string' &&
      typeof size === 'number' &&
      (createdAt === null || typeof createdAt === 'string')
    )
      return { name, version, size, createdAt };
  } catch {
    // Told below, as any other text that is no cursor.
  }
  throw new Refusal(404, 'NOT_FOUND', 'the cursor leads to no page', {
    hint: 'Send next_cursor of the page before, or none.',
  });
}
