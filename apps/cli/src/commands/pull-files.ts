import { once } from 'node:events';

import type { RemoteRepository } from '@oci/client';
import { parsePlatform } from '@oci/client/copy';
import {
  type ArtifactFile,
  type ListFilesOptions,
  type PulledFile,
  type PulledFiles,
  listFiles,
  pullFiles,
} from '@oci/extensions/files';
import { type EventListener, OciError, artifactTypeOf, withoutProgress } from '@oci/spec-types';

import type { Invocation } from '../command/definition.js';
import { withContext } from '../context.js';
import type { Result } from '../output.js';
import { fields } from '../render/fields.js';
import { sizeText } from '../render/quantity.js';

interface PullFilesInput {
  readonly reference: string;
  readonly output?: string;
  readonly platform?: string;
  readonly keepOldFiles?: boolean;
  readonly cache?: boolean;
}

type FilesRepository = Parameters<typeof pullFiles>[0];

export async function pullArtifact(input: PullFilesInput, invocation: Invocation): Promise<void> {
  const platform = input.platform === undefined ? undefined : parsePlatform(input.platform);
  await withContext(invocation, async (context) => {
    const { registries, manager, output, progress, signal, settings } = context;
    const named = registries.name(input.reference);
    const { reference, tagOrDigest, text } = named;
    const isThroughCache = input.cache ?? settings.values['cache.pulls'];
    const remote = (): RemoteRepository =>
      registries.connect(reference.registry).repository(reference.repository);
    const options: ListFilesOptions = {
      signal,
      onEvent: progress,
      platform,
      approve: async (manifest) => {
        const cache = isThroughCache ? await manager.cache() : undefined;
        await manager.ensureTrusted(
          { name: reference, manifest, source: remote, cache },
          { signal },
        );
      },
    };
    const work = async (repository: FilesRepository): Promise<void> => {
      if (input.output === '-') {
        const { files } = await listFiles(repository, tagOrDigest, options);
        const call = { signal, onEvent: progress, output: invocation.terminal.stdout.raw };
        await stream({ repository, text, files }, call);
        return;
      }
      const { keepOldFiles, output: directory = '.' } = input;
      const call = { ...options, directory, keepOldFiles };
      output.print(resultOf(text, await pullFiles(repository, tagOrDigest, call)));
    };
    if (!isThroughCache) return work(remote());
    const { registry, repository } = reference;
    await manager.throughCache(repository, work, { registry, signal, onEvent: progress });
  });
}

/** The only file, verified as it passes: who reads it sees an exit code other than 0 when it was wrong. */
async function stream(
  { repository, text, files }: NamedFiles,
  { signal, onEvent, output }: StreamOptions,
): Promise<void> {
  const [file, ...others] = files;
  if (!file || others.length > 0) {
    throw new OciError('LAYER_AMBIGUOUS', `${text} has ${files.length} files, not one`, {
      hint: 'Write them into a directory with -o DIR.',
    });
  }
  const body = await repository.fetchBlob(file.descriptor, {
    signal,
    onEvent: withoutProgress(onEvent),
  });
  for await (const chunk of body) if (!output.write(chunk)) await once(output, 'drain', { signal });
}

interface NamedFiles {
  readonly repository: FilesRepository;
  readonly text: string;
  readonly files: readonly ArtifactFile[];
}

interface StreamOptions {
  readonly signal: AbortSignal;
  readonly onEvent: EventListener;
  readonly output: NodeJS.WritableStream;
}

function resultOf(reference: string, { manifest, files }: PulledFiles): Result {
  const { digest } = manifest.descriptor;
  return {
    json: {
      reference,
      digest,
      manifest_digest: digest,
      artifact_type: artifactTypeOf(manifest) ?? null,
      files: files.map(fileJson),
    },
    text: fields([
      ['reference', reference],
      ['manifest', digest],
      ...files.map(
        ({ path, descriptor }) => ['file', `${path}, ${sizeText(descriptor.size)}`] as const,
      ),
      ...(files.length === 0
        ? [['files', 'none: it has no content but its manifest'] as const]
        : []),
    ]),
    brief: files.map(({ path }) => path),
  };
}

export function fileJson({ path, descriptor }: PulledFile): object {
  const { digest, size, mediaType } = descriptor;
  return { path, digest, size, media_type: mediaType };
}
