import type { ManifestInfo } from '@oci/manager';
import { annotations } from '@oci/spec-types';

import { withContext } from '../context.js';
import { fields } from '../render/fields.js';
import type { Invocation } from '../command/invocation.js';
import type { Drawing } from '../render/page.js';
import { sizeText } from '../render/quantity.js';

export async function manifest(
  args: { readonly repository: string; readonly version: string; readonly raw?: boolean },
  invocation: Invocation,
): Promise<void> {
  await withContext(invocation, async ({ manager, output, signal }) => {
    const info = await manager.getManifest(args.repository, args.version, { signal });
    if (args.raw) {
      invocation.terminal.stdout.write(info.resolved.bytes);
      return;
    }
    output.print({
      json: {
        digest: info.digest,
        size: info.size,
        media_type: info.mediaType,
        from_cache: info.fromCache,
        manifest: info.resolved.document,
      },
      text: summary(info),
      brief: info.digest,
    });
  });
}

function summary(info: ManifestInfo): Drawing {
  return fields([
    ['schema version', String(info.schemaVersion)],
    ['media type', info.mediaType],
    ['digest', info.digest],
    ...(info.artifactType === undefined ? [] : [['artifact type', info.artifactType] as const]),
    ...info.layers.map((layer) => ['layer', line(layer)] as const),
    ...info.manifests.map((entry) => ['manifest', line(entry)] as const),
    ...Object.entries(info.annotations).map(([key, value]) => [key, value] as const),
  ]);
}

function line(content: ManifestInfo['layers'][number]): string {
  const title = content.annotations?.[annotations.title];
  return [
    content.digest,
    sizeText(content.size),
    content.mediaType,
    ...(title ? [title] : []),
  ].join(', ');
}
