import { type TagCopy, copyAll } from '@oci/client/copy';
import { LayoutArchive, LayoutDirectory } from '@oci/client/layout';
import { type Location, formatLocation, openTarget } from '@oci/client/location';
import { exitCodeOf } from '@oci/manager/program';
import {
  OciError,
  type ReadableRepository,
  type Reference,
  type Repository,
  type TagLister,
} from '@oci/spec-types';

import { Exit, type Invocation } from '../command/definition.js';
import { type Context, withContext } from '../context.js';
import { hintOf } from '../hint.js';
import { readRepository } from '../registry/named-artifact.js';
import { forgetTag } from '../registry/replaced-tag.js';
import { fields } from '../render/fields.js';
import { type CopyInput, type Ends, locate, optionsOf } from './copy-input.js';

/** Copies the tags of a repository; it goes on after one that fails, and exits with what the first failed with. */
export async function copyRepository(input: CopyInput, invocation: Invocation): Promise<void> {
  await withContext(invocation, async (context) => {
    const { registryOf } = context.registries;
    const read = (text: string): Reference => readRepository(text, registryOf);
    const ends = { source: locate(input.source, read), target: locate(input.target, read) };
    for (const end of [ends.source, ends.target]) refuseName(end);
    const { concurrency } = invocation.options;
    const copied = await run(ends, { ...input, concurrency }, context);
    for (const one of copied) await settle(one, ends.target, context);
    context.output.print({
      json: jsonOf(ends, copied),
      text: fields(summaryOf(ends, copied)),
      brief: copied.map(({ tag }) => tag),
    });
    const failure = copied.find((one) => one.outcome === 'failed');
    if (failure) throw new Exit(exitCodeOf(failure.error.code));
  });
}

function refuseName(location: Location): void {
  const isNamed = location.kind !== 'registry' && (location.name ?? location.digest) !== undefined;
  if (!isNamed) return;
  throw new OciError('USAGE', `${formatLocation(location)} names one artifact, not all`, {
    hint: 'Leave out what stands behind the path.',
  });
}

async function run(
  ends: Ends,
  options: CopyInput & { readonly concurrency: number | undefined },
  { registries, progress, signal }: Context,
): Promise<readonly TagCopy[]> {
  const connect = ({ registry, repository }: Reference): Repository =>
    registries.connect(registry).repository(repository);
  const source = await openAll(ends.source, connect);
  try {
    const target = await openTarget(ends.target, connect);
    try {
      const copied = await copyAll(source.repository, target.repository, {
        ...optionsOf(options),
        tags: options.tags,
        signal,
        onEvent: progress,
      });
      await target.finish();
      return copied;
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

interface OpenAll {
  readonly repository: ReadableRepository & TagLister;
  close(): Promise<void>;
}

async function openAll(
  location: Location,
  connect: (reference: Reference) => Repository,
): Promise<OpenAll> {
  const close = async (): Promise<void> => {};
  if (location.kind === 'registry') return { repository: connect(location.reference), close };
  if (location.kind === 'layout')
    return { repository: await LayoutDirectory.open(location.path), close };
  const repository = await LayoutArchive.open(location.path);
  return { repository, close: () => repository.close() };
}

/** Forgets what the cache knows of a tag that may have moved, and tells of one that failed. */
async function settle(copied: TagCopy, target: Location, context: Context): Promise<void> {
  const { tag } = copied;
  if (copied.outcome === 'failed') {
    const { message } = copied.error;
    context.progress({ type: 'warning', message: `${tag} was not copied: ${message}` });
  } else if (copied.outcome === 'copied' && target.kind === 'registry') {
    const { registry, repository } = target.reference;
    const { digest } = copied.result.descriptor;
    await forgetTag({ registry, repository, tag, digest }, context);
  }
}

function jsonOf({ source, target }: Ends, copied: readonly TagCopy[]): object {
  return {
    source: formatLocation(source),
    target: formatLocation(target),
    tags: copied.map((one) => ({
      tag: one.tag,
      outcome: one.outcome,
      digest: digestOf(one) ?? null,
      error:
        one.outcome === 'failed'
          ? { code: one.error.code, message: one.error.message, hint: hintOf(one.error) ?? null }
          : null,
    })),
  };
}

function digestOf(copied: TagCopy): string | undefined {
  if (copied.outcome === 'copied') return copied.result.descriptor.digest;
  return copied.outcome === 'unchanged' ? copied.digest : undefined;
}

function summaryOf(
  { source, target }: Ends,
  copied: readonly TagCopy[],
): readonly (readonly [string, string])[] {
  const named = (outcome: TagCopy['outcome']): string =>
    copied.flatMap((one) => (one.outcome === outcome ? [one.tag] : [])).join(', ');
  const rows = [
    ['repository', `${formatLocation(source)} to ${formatLocation(target)}`],
    ['copied', named('copied')],
    ['there already', named('unchanged')],
    ['failed', named('failed')],
  ] as const;
  return rows.filter(([, text]) => text !== '');
}
