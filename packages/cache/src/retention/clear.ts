import type { Digest } from '@oci/spec-types';

import type { PruneParts } from './prune.js';
import { Removal } from './removal.js';

/** Removes all references and blobs but those that running pulls rely on. The gate has to be closed. */
export async function clearUnused(parts: PruneParts, leased: ReadonlySet<Digest>): Promise<void> {
  const removal = new Removal(parts, { leased, dryRun: false });
  const going = [];
  for await (const reference of parts.inventory.references.list())
    if (!leased.has(reference.entry.digest)) going.push(reference);
  await parts.index.remove(going.map(({ key }) => key));
  for (const reference of going) await removal.reference(reference);
  for await (const digest of parts.content.list()) await removal.unheld(digest);
}
