import {
  type Descriptor,
  type ResolvedManifest,
  annotations,
  artifactTypeOf,
  childrenOf,
} from '@oci/spec-types';

import type { Invocation } from '../command/definition.js';
import { type Context, withContext } from '../context.js';
import { fields } from '../render/fields.js';
import type { Drawing } from '../render/page.js';
import { sizeText } from '../render/quantity.js';

interface ManifestInput {
  /** Without a version a reference, of any registry. */
  readonly repository: string;
  readonly version?: string;
  readonly raw?: boolean;
}

export async function manifest(input: ManifestInput, invocation: Invocation): Promise<void> {
  await withContext(invocation, async (context) => {
    const { resolved, fromCache } = await find(input, context);
    if (input.raw) {
      invocation.terminal.stdout.writeContent(resolved.bytes);
      return;
    }
    const { digest, size } = resolved.descriptor;
    context.output.print({
      json: {
        digest,
        manifest_digest: digest,
        size,
        media_type: resolved.mediaType,
        from_cache: fromCache,
        manifest: resolved.document,
      },
      text: summary(resolved),
      brief: digest,
    });
  });
}

async function find(
  { repository: name, version }: ManifestInput,
  { manager, registries, progress, signal }: Context,
): Promise<{ readonly resolved: ResolvedManifest; readonly fromCache: boolean }> {
  const call = { signal, onEvent: progress };
  if (version !== undefined) {
    const { reference, registry } = registries.version(name, version);
    return manager.getManifest(reference.repository, version, { ...call, registry });
  }
  const { repository, tagOrDigest } = registries.artifact(name);
  const descriptor = await repository.resolve(tagOrDigest, call);
  return { resolved: await repository.fetchManifest(descriptor, call), fromCache: false };
}

function summary(resolved: ResolvedManifest): Drawing {
  const { document, mediaType, descriptor, kind } = resolved;
  const artifactType = artifactTypeOf(resolved);
  const [first, ...others] = childrenOf(resolved);
  const children = kind === 'image' ? others : first ? [first, ...others] : [];
  return fields([
    ['schema version', String(document.schemaVersion)],
    ['media type', mediaType],
    ['manifest', descriptor.digest],
    ...(artifactType === undefined ? [] : [['artifact type', artifactType] as const]),
    ...children.map((child) => [kind === 'image' ? 'layer' : 'manifest', line(child)] as const),
    ...Object.entries(document.annotations ?? {}),
  ]);
}

function line(content: Descriptor): string {
  const title = content.annotations?.[annotations.title];
  const { platform } = content;
  return [
    content.digest,
    sizeText(content.size),
    content.mediaType,
    ...(platform ? [`${platform.os}/${platform.architecture}`] : []),
    ...(title ? [title] : []),
  ].join(', ');
}
