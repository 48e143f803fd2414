import { createReadStream } from 'node:fs';

import { type OciManager, type PulledArtifact, pullJson } from '@oci/manager';
import type { Operation } from '@oci/spec-types';

import type * as Inspection from './pull-inspect.js';
import { type Context, withContext } from '../context.js';
import { fields } from '../render/fields.js';
import type { Invocation } from '../command/invocation.js';
import type { Drawing } from '../render/page.js';
import { sizeText } from '../render/quantity.js';

interface PullArguments {
  readonly name: string;
  readonly version: string;
  readonly layer?: string;
  readonly output?: string;
}

export async function pullKcl(args: PullArguments, invocation: Invocation): Promise<void> {
  const begin: Begin = (manager, options) => {
    const given = { ...options, layer: args.layer, output: fileOf(args) };
    const operation = manager.pullKclPackage(args.name, args.version, given);
    // While the network has its turn, what will look into the package can be loaded.
    operation.on(({ type }) => void (type === 'start' && inspection().catch(() => {})));
    return operation;
  };
  await pull(args, invocation, begin, async (pulled, { progress, signal }) => {
    // What is in the cache was looked into when it came.
    if (pulled.fromCache) return;
    const { inspectPulled } = await inspection();
    for (const { path, message } of await inspectPulled(pulled.path, args, { signal }))
      progress({ type: 'warning', message: `${path}: ${message}` });
  });
}

export async function pullExtension(
  args: PullArguments & { readonly type: string },
  invocation: Invocation,
): Promise<void> {
  const begin: Begin = (manager, options) =>
    manager.pullExtensionArtifact(args.type, args.name, args.version, {
      ...options,
      layer: args.layer,
      output: fileOf(args),
    });
  await pull(args, invocation, begin);
}

const inspection = (): Promise<typeof Inspection> => import('./pull-inspect.js');

type Begin = (manager: OciManager, options: { signal: AbortSignal }) => Operation<PulledArtifact>;

/** Standard output gets what is in the cache. */
function fileOf({ output }: PullArguments): string | undefined {
  return output === '-' ? undefined : output;
}

async function pull(
  { output }: PullArguments,
  invocation: Invocation,
  begin: Begin,
  inspect: (pulled: PulledArtifact, context: Context) => Promise<void> = async () => {},
): Promise<void> {
  await withContext(invocation, async (context: Context) => {
    const operation = begin(context.manager, { signal: context.signal });
    operation.on(context.progress);
    const pulled = await operation;
    await inspect(pulled, context);
    if (output === '-') {
      const { pipeline } = await import('node:stream/promises');
      await pipeline(createReadStream(pulled.path), invocation.terminal.stdout.raw, { end: false });
      return;
    }
    context.output.print({ json: pullJson(pulled), text: summary(pulled), brief: pulled.path });
  });
}

function summary(pulled: PulledArtifact): Drawing {
  return fields([
    ['reference', pulled.reference],
    ['manifest', pulled.manifestDigest],
    ['content', pulled.digest],
    ['size', `${sizeText(pulled.size)}, ${pulled.mediaType}`],
    ['from cache', pulled.fromCache ? 'yes' : 'no'],
    ['path', pulled.path],
  ]);
}
