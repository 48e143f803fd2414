import { createReadStream } from 'node:fs';

import type * as Extensions from '@oci/extensions';
import type { Candidates } from '@oci/extensions';
import { type PulledArtifact, parseExtensionType, pullJson, readPulled } from '@oci/manager';
import { type EventListener, type Operation, isTag } from '@oci/spec-types';

import type * as Inspection from './pull-inspect.js';
import { type Context, withContext } from '../context.js';
import { fields } from '../render/fields.js';
import type { Invocation } from '../command/definition.js';
import type { Drawing } from '../render/page.js';
import { sizeText } from '../render/quantity.js';

interface PullArguments {
  readonly name: string;
  readonly version: string;
  readonly layer?: string;
  readonly output?: string;
}

export async function pullKcl(args: PullArguments, invocation: Invocation): Promise<void> {
  let version = args.version;
  const begin: Begin = async ({ manager, registries }, options, onEvent) => {
    const { name } = args;
    registries.ensureRoute(manager.kclPackagePlace(name).repository);
    version = await chosenVersion(args, async ({ kclCandidates }) => {
      const versions = await manager.listKclVersions(name, options);
      return kclCandidates({ name, versions }, manager, { ...options, onEvent });
    });
    const given = { ...options, layer: args.layer, output: fileOf(args) };
    const operation = manager.pullKclPackage(args.name, version, given);
    // While the network has its turn, what will look into the package can be loaded.
    operation.on(({ type }) => void (type === 'start' && inspection().catch(() => {})));
    return { operation };
  };
  let isNew = false;
  await pull(args, invocation, begin, async (pulled, { progress, signal }) => {
    // What is in the cache was looked into when it came.
    isNew ||= !pulled.fromCache;
    if (!isNew) return;
    const { inspectPulled } = await inspection();
    for (const { path, message } of await inspectPulled(
      pulled.path,
      { name: args.name, version },
      { signal },
    ))
      progress({ type: 'warning', message: `${path}: ${message}` });
  });
}

export async function pullExtension(
  args: PullArguments & { readonly type: string },
  invocation: Invocation,
): Promise<void> {
  const begin: Begin = async ({ manager, registries }, options, onEvent) => {
    const { type, name, layer } = args;
    registries.ensureRoute(manager.extensionPlace(type, name).repository);
    const version = await chosenVersion(args, async ({ extensionCandidates }) => {
      const versions = await manager.listExtensionVersions(type, name, options);
      const of = { type: parseExtensionType(type), name, versions };
      return extensionCandidates(of, manager, { ...options, onEvent });
    });
    const given = { ...options, layer, output: fileOf(args) };
    return { operation: manager.pullExtensionArtifact(type, name, version, given) };
  };
  await pull(args, invocation, begin);
}

const inspection = (): Promise<typeof Inspection> => import('./pull-inspect.js');

/** An operation is awaited where it is used, so a promise of one has it in a property. */
type Begin = (
  context: Pick<Context, 'manager' | 'registries'>,
  options: { signal: AbortSignal },
  onEvent: EventListener,
) => Promise<{ readonly operation: Operation<PulledArtifact> }>;

/** The version itself, or the newest within a range, which is no tag. @throws OciError `MANIFEST_UNKNOWN` */
async function chosenVersion(
  { name, version }: PullArguments,
  list: (extensions: typeof Extensions) => Promise<Candidates>,
): Promise<string> {
  if (isTag(version.replaceAll('+', '_'))) return version;
  const { newestWithin } = await import('./pull-version.js');
  return newestWithin(version, { name, list: async () => list(await import('@oci/extensions')) });
}

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
    const obtain = async (): Promise<PulledArtifact> => {
      const { operation } = await begin(context, { signal: context.signal }, context.progress);
      operation.on(context.progress);
      return operation;
    };
    const pulled = await readPulled(obtain, async (found) => {
      await inspect(found, context);
      if (output !== '-') return found;
      const { pipeline } = await import('node:stream/promises');
      await pipeline(createReadStream(found.path), invocation.terminal.stdout.raw, { end: false });
      return undefined;
    });
    if (!pulled) return;
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
