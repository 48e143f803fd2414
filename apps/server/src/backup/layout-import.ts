import { type WritableRepository, copy } from '@oci/client/copy';
import type { LayoutRepository } from '@oci/client/layout';
import {
  type CallOptions,
  type Descriptor,
  annotations,
  isTag,
  throwIfAborted,
} from '@oci/spec-types';

import type { HostedTarget } from './hosted-target.js';
import { endsAll } from './transfer-failure.js';
import type { TransferReport } from './transfer-report.js';

/**
 * Brings all that the `index.json` of a layout lists, with what it leads to and what refers to that, and names it as
 * it is named there; a name that is no tag is left out.
 */
export async function importLayout(
  { layout, target }: { readonly layout: LayoutRepository; readonly target: HostedTarget },
  report: TransferReport,
  options: CallOptions = {},
): Promise<void> {
  const writable = writableOf(target);
  for (const entry of await layout.entries()) {
    throwIfAborted(options.signal);
    const name = entry.annotations?.[annotations.refName];
    try {
      await importEntry({ layout, writable, entry }, report, options);
      if (isTag(name)) await pushTag({ layout, target, entry }, name, report);
    } catch (error) {
      if (endsAll(error)) throw error;
      report.problem({ repository: target.name, subject: name ?? entry.digest }, error);
    }
  }
  report.repositories += 1;
}

async function importEntry(
  parts: {
    readonly layout: LayoutRepository;
    readonly writable: WritableRepository;
    readonly entry: Descriptor;
  },
  report: TransferReport,
  { signal }: CallOptions,
): Promise<void> {
  const { layout, writable, entry } = parts;
  const { copied, skipped } = await copy(
    { repository: layout, reference: entry.digest },
    { repository: writable, tags: [] },
    { referrers: true, foreignLayers: 'copy', signal },
  );
  report.manifests.copied += copied.manifests;
  report.manifests.present += skipped.manifests;
  report.blobs.copied += copied.blobs;
  report.blobs.present += skipped.blobs;
  report.bytes += copied.bytes;
}

async function pushTag(
  {
    layout,
    target,
    entry,
  }: {
    readonly layout: LayoutRepository;
    readonly target: HostedTarget;
    readonly entry: Descriptor;
  },
  tag: Parameters<HostedTarget['pushTag']>[0]['tag'],
  report: TransferReport,
): Promise<void> {
  const manifest = await layout.fetch(entry.digest);
  report.count('tags', await target.pushTag({ tag, digest: entry.digest }, { manifest }));
}

/** The target by the contract of copies. */
function writableOf(target: HostedTarget): WritableRepository {
  return {
    resolve: (tagOrDigest) => target.resolve(tagOrDigest),
    hasBlob: (descriptor) => target.hasBlob(descriptor),
    pushBlob: (descriptor, body, call) => target.pushBlob(descriptor, body, call),
    pushManifest: async (manifest) => {
      await target.pushManifest({ manifest });
      return manifest.descriptor;
    },
  };
}
