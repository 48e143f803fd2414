import { once } from 'node:events';

import { parsePlatform } from '@oci/client/copy';
import {
  type ArtifactFile,
  type ListFilesOptions,
  type PulledFile,
  listFiles,
  pullFiles,
} from '@oci/extensions/files';
import { type EventListener, OciError, artifactTypeOf, withoutProgress } from '@oci/spec-types';

import type { Invocation } from '../command/definition.js';
import { withContext } from '../context.js';
import type { NamedArtifact } from '../registry/registries.js';
import { fields } from '../render/fields.js';
import type { Drawing } from '../render/page.js';
import { sizeText } from '../render/quantity.js';

interface PullFilesInput {
  readonly reference: string;
  readonly output?: string;
  readonly platform?: string;
  readonly keepOldFiles?: boolean;
}

export async function pullArtifact(input: PullFilesInput, invocation: Invocation): Promise<void> {
  const platform = input.platform === undefined ? undefined : parsePlatform(input.platform);
  await withContext(invocation, async ({ registries, manager, output, progress, signal }) => {
    const named = registries.artifact(input.reference);
    const { reference: name, repository, tagOrDigest, text: reference } = named;
    const options: ListFilesOptions = {
      signal,
      onEvent: progress,
      platform,
      approve: async (manifest) =>
        manager.ensureTrusted({ name, manifest, source: () => repository }, { signal }),
    };
    if (input.output === '-') {
      const { files } = await listFiles(repository, tagOrDigest, options);
      const call = { signal, onEvent: progress, output: invocation.terminal.stdout.raw };
      await stream(named, files, call);
      return;
    }
    const { manifest, files } = await pullFiles(repository, tagOrDigest, {
      ...options,
      directory: input.output ?? '.',
      keepOldFiles: input.keepOldFiles,
    });
    const { digest } = manifest.descriptor;
    output.print({
      json: {
        reference,
        digest,
        manifest_digest: digest,
        artifact_type: artifactTypeOf(manifest) ?? null,
        files: files.map(fileJson),
      },
      text: summary({ reference, digest, files }),
      brief: files.map(({ path }) => path),
    });
  });
}

/** The only file, verified as it passes: who reads it sees an exit code other than 0 when it was wrong. */
async function stream(
  { repository, text }: NamedArtifact,
  files: readonly ArtifactFile[],
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

interface StreamOptions {
  readonly signal: AbortSignal;
  readonly onEvent: EventListener;
  readonly output: NodeJS.WritableStream;
}

function summary({
  reference,
  digest,
  files,
}: {
  reference: string;
  digest: string;
  files: readonly PulledFile[];
}): Drawing {
  return fields([
    ['reference', reference],
    ['manifest', digest],
    ...files.map(
      ({ path, descriptor }) => ['file', `${path}, ${sizeText(descriptor.size)}`] as const,
    ),
    ...(files.length === 0 ? [['files', 'none: it has no content but its manifest'] as const] : []),
  ]);
}

export function fileJson({ path, descriptor }: PulledFile): object {
  const { digest, size, mediaType } = descriptor;
  return { path, digest, size, media_type: mediaType };
}
