import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import { onStorage } from '@oci/files';

import { ownEntries } from '../cache-format.js';
import { Collector, type CollectorParts } from './collector.js';

/** Removes everything that the cache put into its directory, but what a running pull relies on. */
export async function clear(parts: CollectorParts): Promise<void> {
  const isEmpty = await parts.barrier.close(async () => {
    if ((await parts.leases.held()).size > 0) return false;
    for (const entry of ownEntries) {
      const path = join(parts.dir, entry);
      await onStorage({ path }, () => rm(path, { recursive: true, force: true }));
    }
    return true;
  });
  parts.references.forgetUses();
  if (isEmpty) return;
  const collector = await Collector.of(parts, { dryRun: false });
  collector.doomOrphans(Infinity);
  const all = collector.scan.references.map((reference) => ({ reference }));
  await collector.retire(all, async ({ reference }, leased) => !leased.has(reference.entry.digest));
  await collector.sweep();
}
