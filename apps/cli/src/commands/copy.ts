import type { RemoteRepository } from '@oci/client';
import { type CopyResult, type CopyTally, copy } from '@oci/client/copy';
import { type Location, formatLocation, openSource, openTarget } from '@oci/client/location';
import type { Reference } from '@oci/spec-types';

import type { Invocation } from '../command/definition.js';
import { type Context, withContext } from '../context.js';
import { readReference, readRepositoryOrTag } from '../registry/named-artifact.js';
import { forgetTag } from '../registry/replaced-tag.js';
import { fields } from '../render/fields.js';
import type { Drawing } from '../render/page.js';
import { numberOf, sizeText } from '../render/quantity.js';
import { type CopyInput, type Ends, locate, optionsOf } from './copy-input.js';

export async function copyArtifact(input: CopyInput, invocation: Invocation): Promise<void> {
  if (input.allTags || input.tags) {
    const { copyRepository } = await import('./copy-repository.js');
    return copyRepository(input, invocation);
  }
  await withContext(invocation, async (context) => {
    const { registryOf } = context.registries;
    const source = locate(input.source, (text) => readReference(text, registryOf));
    const target = locate(input.target, (text) => readRepositoryOrTag(text, registryOf));
    const { concurrency } = invocation.options;
    const result = await run({ source, target }, { ...input, concurrency }, context);
    await forgetTags(target, result, context);
    context.output.print({
      json: jsonOf({ source, target }, result),
      text: summary({ source, target }, result),
      brief: result.descriptor.digest,
    });
  });
}

async function run(
  ends: Ends,
  options: CopyInput & { readonly concurrency: number | undefined },
  { registries, progress, signal }: Context,
): Promise<CopyResult> {
  const connect = ({ registry, repository }: Reference): RemoteRepository =>
    registries.connect(registry).repository(repository);
  const source = await openSource(ends.source, connect);
  try {
    const target = await openTarget(ends.target, connect);
    try {
      const result = await copy(source, target, {
        ...optionsOf(options),
        signal,
        onEvent: progress,
      });
      await target.finish();
      return result;
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

/** Forgets what the cache knows of the target's tags, which the copy may have moved. */
async function forgetTags(
  target: Location,
  { tags, descriptor: { digest } }: CopyResult,
  context: Context,
): Promise<void> {
  if (target.kind !== 'registry') return;
  const { registry, repository } = target.reference;
  for (const tag of tags) await forgetTag({ registry, repository, tag, digest }, context);
}

function jsonOf({ source, target }: Ends, result: CopyResult): object {
  const { descriptor, tags, copied, skipped, mounted, referrers, left } = result;
  return {
    source: formatLocation(source),
    target: formatLocation(target),
    digest: descriptor.digest,
    manifest_digest: descriptor.digest,
    media_type: descriptor.mediaType,
    tags,
    copied,
    skipped,
    mounted,
    referrers,
    left: {
      referrers: left.referrers,
      platforms: left.platforms,
      foreign_layers: left.foreignLayers,
    },
  };
}

function summary({ source, target }: Ends, result: CopyResult): Drawing {
  const { descriptor, tags, copied, skipped, mounted, referrers, left } = result;
  const rows: readonly (readonly [string, string] | false)[] = [
    ['copied', `${formatLocation(source)} to ${formatLocation(target)}`],
    tags.length > 0 && ['tag', tags.join(', ')],
    ['manifest', descriptor.digest],
    ['moved', tallyText(copied)],
    mounted.blobs > 0 && ['mounted', tallyText(mounted)],
    skipped.blobs + skipped.manifests > 0 && ['there already', tallyText(skipped)],
    referrers > 0 && ['referrers', String(referrers)],
    left.referrers > 0 && [
      'left behind',
      `${numberOf(left.referrers, 'referrer')}: --referrers brings them`,
    ],
    left.foreignLayers > 0 && [
      'left behind',
      `${numberOf(left.foreignLayers, 'layer')} that may not be distributed: --foreign-layers brings them`,
    ],
  ];
  return fields(rows.filter((row) => row !== false));
}

function tallyText({ manifests, blobs, bytes }: CopyTally): string {
  return `${numberOf(blobs, 'blob')} and ${numberOf(manifests, 'manifest')}, ${sizeText(bytes)}`;
}
