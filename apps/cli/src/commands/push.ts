import {
  type PackedArtifact,
  type PushedArtifact,
  packExtension,
  packKclPackage,
  pushArtifact,
} from '@oci/extensions';
import { parseExtensionType } from '@oci/manager';
import { type Tag, childrenOf, versionOfTag } from '@oci/spec-types';

import { type Context, withContext } from '../context.js';
import type { Result } from '../output.js';
import { afterReplacing, forgetTag } from '../registry/replaced-tag.js';
import { fields } from '../render/fields.js';
import { validationOf } from './extension-settings.js';
import type { Invocation } from '../command/definition.js';
import { sizeText } from '../render/quantity.js';

interface PushArguments {
  readonly dir: string;
  readonly force?: boolean;
}

export async function pushKcl(args: PushArguments, invocation: Invocation): Promise<void> {
  await withContext(invocation, async (context) => {
    const packed = await packKclPackage(args.dir);
    await push({ packed, ...args, pull: ['kcl pull'] }, context);
  });
}

export async function pushExtension(
  args: PushArguments & { readonly type: string; readonly profiles?: string },
  invocation: Invocation,
): Promise<void> {
  await withContext(invocation, async (context) => {
    const type = parseExtensionType(args.type);
    const { profiles } = await validationOf(args);
    const packed = await packExtension({ type, directory: args.dir, profiles });
    await push({ packed, ...args, pull: ['extension pull', type] }, context);
  });
}

interface Push {
  readonly packed: PackedArtifact;
  readonly force?: boolean;
  /** The words that pull such an artifact, without its name and version. */
  readonly pull: readonly string[];
}

async function push({ packed, force, pull }: Push, context: Context): Promise<void> {
  const { manager, output, progress, settings, signal } = context;
  for (const { path, message } of packed.findings)
    progress({ type: 'warning', message: `${path}: ${message}` });
  const { tag } = packed;
  const version = versionOfTag(tag);
  const repository = packed.repository(settings.values.namespace);
  const { registry } = context.registries.route(repository);
  const target = manager.repository(repository);
  const pushed = await pushArtifact(target, packed, { force, signal });
  const name = repository.slice(repository.lastIndexOf('/') + 1);
  const named = { registry, repository, tag };
  const command = ['ocictl --refresh', ...pull, name, version].join(' ');
  if (pushed.replaced) await afterReplacing(named, context, command);
  else if (pushed.changed) await forgetTag(named, context);
  output.print(resultOf({ repository, tag }, pushed));
}

function resultOf(
  { repository, tag }: { readonly repository: string; readonly tag: Tag },
  { manifest, changed, replaced }: PushedArtifact,
): Result {
  const { digest } = manifest.descriptor;
  const { digest: content, size } = childrenOf(manifest).at(-1) ?? manifest.descriptor;
  return {
    json: {
      repository,
      version: tag,
      digest,
      size,
      manifest_digest: digest,
      content_digest: content,
      changed,
      replaced: replaced ?? null,
    },
    text: fields([
      [changed ? 'pushed' : 'already published', `${repository}:${tag}`],
      ['manifest', digest],
      ['content', content],
      ['size', sizeText(size)],
    ]),
    brief: digest,
  };
}
