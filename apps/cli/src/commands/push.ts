import { type PackedArtifact, packExtension, packKclPackage, pushArtifact } from '@oci/extensions';
import { parseExtensionType } from '@oci/manager';

import { type Context, withContext } from '../context.js';
import { fields } from '../render/fields.js';
import type { Invocation } from '../command/invocation.js';
import { sizeText } from '../render/quantity.js';

interface PushArguments {
  readonly dir: string;
  readonly force?: boolean;
}

export async function pushKcl(args: PushArguments, invocation: Invocation): Promise<void> {
  await withContext(invocation, async (context) => {
    await push(await packKclPackage(args.dir), args, context);
  });
}

export async function pushExtension(
  args: PushArguments & { readonly type: string },
  invocation: Invocation,
): Promise<void> {
  await withContext(invocation, async (context) => {
    const type = parseExtensionType(args.type);
    await push(await packExtension({ type, directory: args.dir }), args, context);
  });
}

async function push(packed: PackedArtifact, args: PushArguments, context: Context): Promise<void> {
  const { manager, output, progress, settings, signal } = context;
  for (const { path, message } of packed.findings)
    progress({ type: 'warning', message: `${path}: ${message}` });
  const repository = packed.repository(settings.values.namespace);
  await pushArtifact(manager.repository(repository), packed, {
    force: args.force ?? false,
    signal,
  });
  const { digest } = packed.manifest.descriptor;
  const size = packed.blobs.reduce((sum, blob) => sum + blob.descriptor.size, 0);
  output.print({
    json: { repository, version: packed.tag, digest, size },
    text: fields([
      ['pushed', `${repository}:${packed.tag}`],
      ['digest', digest],
      ['size', sizeText(size)],
    ]),
    brief: digest,
  });
}
