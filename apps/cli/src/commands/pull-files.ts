import { once } from 'node:events';

import { parsePlatform } from '@oci/client';
import { selectManifest } from '@oci/manager';
import {
  type Descriptor,
  type EventListener,
  OciError,
  type ResolvedManifest,
  artifactTypeOf,
} from '@oci/spec-types';

import { chartNames } from '../artifact/chart-name.js';
import { type DownloadedFile, downloadFiles } from '../artifact/file-download.js';
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

export async function pullFiles(input: PullFilesInput, invocation: Invocation): Promise<void> {
  await withContext(invocation, async ({ registries, manager, output, progress, signal }) => {
    const named = registries.artifact(input.reference);
    const call = { signal, onEvent: progress };
    const ensureTrusted = async (root: ResolvedManifest): Promise<void> =>
      manager.ensureTrusted(
        { name: named.reference, manifest: root, source: () => named.repository },
        { signal },
      );
    const manifest = await imageOf(named, { platform: input.platform, call, ensureTrusted });
    const layers = manifest.document.layers.filter(({ mediaType }) => mediaType !== emptyType);
    if (input.output === '-') {
      await stream(named, layers, { ...call, output: invocation.terminal.stdout.raw });
      return;
    }
    const files = await downloadFiles(named.repository, layers, {
      ...call,
      directory: input.output ?? '.',
      keepOldFiles: input.keepOldFiles ?? false,
      nameOf: chartNames(manifest.document, named.reference),
    });
    const { digest } = manifest.descriptor;
    output.print({
      json: {
        reference: named.text,
        digest,
        manifest_digest: digest,
        artifact_type: artifactTypeOf(manifest) ?? null,
        files: files.map(fileJson),
      },
      text: summary({ reference: named.text, digest, files }),
      brief: files.map(({ path }) => path),
    });
  });
}

/** The only file, verified as it passes: who reads it sees an exit code other than 0 when it was wrong. */
async function stream(
  { repository, text }: NamedArtifact,
  layers: readonly Descriptor[],
  { signal, onEvent, output }: StreamOptions,
): Promise<void> {
  const [layer, ...others] = layers;
  if (!layer || others.length > 0) {
    throw new OciError('LAYER_AMBIGUOUS', `${text} has ${layers.length} files, not one`, {
      hint: 'Write them into a directory with -o DIR.',
    });
  }
  const body = await repository.fetchBlob(layer, { signal, onEvent });
  for await (const chunk of body) if (!output.write(chunk)) await once(output, 'drain', { signal });
}

interface StreamOptions {
  readonly signal: AbortSignal;
  readonly onEvent: EventListener;
  readonly output: NodeJS.WritableStream;
}

const emptyType = 'application/vnd.oci.empty.v1+json';

type ImageManifest = ResolvedManifest & { readonly kind: 'image' };

interface Choice {
  readonly platform: string | undefined;
  readonly call: Parameters<NamedArtifact['repository']['resolve']>[1];
  /** Throws when the configuration does not allow to use it. */
  readonly ensureTrusted: (root: ResolvedManifest) => Promise<void>;
}

/** The manifest itself, or of an index the one for a platform. */
async function imageOf(
  named: NamedArtifact,
  { platform, call, ensureTrusted }: Choice,
): Promise<ImageManifest> {
  const { repository } = named;
  const root = await repository.resolve(named.tagOrDigest, call);
  const manifest = await repository.fetchManifest(root, call);
  await ensureTrusted(manifest);
  if (manifest.kind === 'image') return manifest;
  const wanted = platform === undefined ? undefined : parsePlatform(platform);
  const child = await repository.fetchManifest(selectManifest(manifest.document, wanted), call);
  if (child.kind === 'image') return child;
  throw new OciError('UNSUPPORTED', `${named.text} is an index of indexes`);
}

function summary({
  reference,
  digest,
  files,
}: {
  reference: string;
  digest: string;
  files: readonly DownloadedFile[];
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

export function fileJson({ path, descriptor }: DownloadedFile): object {
  const { digest, size, mediaType } = descriptor;
  return { path, digest, size, media_type: mediaType };
}
