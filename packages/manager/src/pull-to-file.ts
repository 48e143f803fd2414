import { mkdir, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

import { copyMaterialized, writeGzipTar } from '@oci/cache';
import {
  BlobProgress,
  type CallOptions,
  type Descriptor,
  OciError,
  formatReference,
  withoutProgress,
} from '@oci/spec-types';
import { imageFor } from '@oci/client';
import { createFile, onStorage, refuseDirectory, replaceFile } from '@oci/files';

import type { SourceRepository } from './artifact-source.js';
import { selectContentLayer } from './content-layer.js';
import type { ManifestName } from './manifest-name.js';
import { cacheLeftOut, isCacheFailure } from './cache-fallback.js';
import type { PulledArtifact } from './pulled-artifact.js';
import { readPulled } from './pulled-file.js';
import type { TrustGate } from './trust-gate.js';

/** An artifact, the file it goes to, and the ways to get it. */
export interface FilePull {
  readonly name: ManifestName;
  /** Which layer, when the artifact has several archives. */
  readonly layer?: string | undefined;
  /** The file that it goes to. */
  readonly output: string;
  /** Through the cache. */
  readonly pull: () => Promise<PulledArtifact>;
  readonly trust: TrustGate;
  /** Past the cache; absent when no registry may be asked. */
  readonly connect?: (() => SourceRepository) | undefined;
}

/**
 * Puts an artifact at a path outside the cache, as a gzip tar. A cache that can't be written, or is full,
 * does not stand in the way: then it comes straight from the registry, verified all the same.
 */
export async function pullToFile(
  filePull: FilePull,
  options: CallOptions = {},
): Promise<PulledArtifact> {
  const output = resolve(filePull.output);
  await refuseDirectory(output);
  const pull = (): Promise<PulledArtifact> =>
    filePull.pull().catch((error: unknown) => {
      if (!isCacheFailure(error) || !filePull.connect) throw error;
      options.onEvent?.(cacheLeftOut(error));
      return direct(filePull, output, options);
    });
  return readPulled(pull, async (pulled) => {
    if (pulled.path === output) return pulled;
    await placed(output, (temporary) => copyMaterialized(pulled.path, temporary, pulled));
    return { ...pulled, path: output };
  });
}

async function direct(
  { name, layer: selector, connect, trust }: FilePull,
  output: string,
  options: CallOptions,
): Promise<PulledArtifact> {
  if (!connect) throw new OciError('OFFLINE', `${formatReference(name)} is not in the cache`);
  const repository = connect();
  const root = await repository.fetch(name.tag, options);
  await trust.ensure({ name, manifest: root, source: () => repository }, options);
  const image = await imageFor(repository, root, options);
  const layer = selectContentLayer(image.document, selector);
  const { digest, size, mediaType } = layer;
  await placed(output, async (temporary) => {
    const blob = `${temporary}.blob`;
    try {
      await download(repository, layer, { path: blob, options });
      await writeGzipTar({ descriptor: layer, path: blob }, temporary);
    } finally {
      await rm(blob, { force: true });
    }
  });
  return {
    path: output,
    reference: formatReference(name),
    digest,
    size,
    mediaType,
    manifestDigest: root.descriptor.digest,
    fromCache: false,
  };
}

async function download(
  repository: SourceRepository,
  blob: Descriptor,
  { path, options }: { readonly path: string; readonly options: CallOptions },
): Promise<void> {
  const progress = new BlobProgress(blob, options.onEvent);
  const body = await repository.fetchBlob(blob, {
    ...options,
    onEvent: withoutProgress(options.onEvent),
  });
  await onStorage({ path, neededBytes: blob.size }, async () => {
    await createFile(path, progress.through(body), { sync: 'content' });
  });
}

/** Makes a file beside its place and gives it its name when it is whole. */
async function placed(path: string, write: (temporary: string) => Promise<void>): Promise<void> {
  await onStorage({ path }, async () => {
    await mkdir(dirname(path), { recursive: true });
    await replaceFile(path, write);
  });
}
