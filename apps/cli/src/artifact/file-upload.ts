import { createReadStream } from 'node:fs';

import type { RemoteRepository } from '@oci/client';
import {
  type EventListener,
  type Tag,
  annotations,
  emptyDescriptor,
  singleChunk,
} from '@oci/spec-types';
import { forEachConcurrent } from '@oci/spec-types/node';

import type { FileArtifact, SourceFile } from './file-artifact.js';
import { filesAtOnce } from './file-download.js';

export interface UploadOptions {
  /** Without one the artifact is known by its digest alone. */
  readonly tag: Tag | undefined;
  readonly signal: AbortSignal;
  readonly onEvent: EventListener;
}

/** Pushes an artifact's files, and its manifest when they are all there. */
export async function uploadFiles(
  target: RemoteRepository,
  artifact: FileArtifact,
  options: UploadOptions,
): Promise<void> {
  const { signal, onEvent, tag } = options;
  await target.pushBlob(emptyDescriptor, singleChunk(Buffer.from('{}')), { signal, onEvent });
  const distinct = new Map(artifact.files.map((file) => [file.descriptor.digest, file]));
  await forEachConcurrent(
    distinct.values(),
    (file, signal) => uploadFile(target, file, { ...options, signal }),
    { limit: filesAtOnce, signal },
  );
  await target.pushManifest(artifact.manifest, { signal, onEvent, ...(tag && { tag }) });
}

async function uploadFile(
  target: RemoteRepository,
  { descriptor, contentPath: path }: SourceFile,
  { signal, onEvent }: UploadOptions,
): Promise<void> {
  const { digest, size } = descriptor;
  if (await target.hasBlob(descriptor, { signal })) {
    onEvent({ type: 'cached', digest, size });
    return;
  }
  const title = descriptor.annotations?.[annotations.title];
  onEvent({ type: 'start', digest, size, ...(title !== undefined && { title }) });
  const body = { open: (offset: number) => counted(path, { offset, report: onEvent, descriptor }) };
  await target.pushBlob(descriptor, body, { signal, onEvent });
  onEvent({ type: 'done', digest, size });
}

async function* counted(
  path: string,
  {
    offset,
    report,
    descriptor: { digest, size },
  }: { offset: number; report: EventListener; descriptor: SourceFile['descriptor'] },
): AsyncGenerator<Uint8Array> {
  let done = offset;
  for await (const chunk of createReadStream(path, { start: offset, highWaterMark: 1024 * 1024 })) {
    done += (chunk as Buffer).byteLength;
    report({ type: 'bytes', digest, done, size });
    yield chunk as Buffer;
  }
}
