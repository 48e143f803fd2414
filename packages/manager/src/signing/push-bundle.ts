import { createManifest } from '@oci/client';
import {
  type CallOptions,
  type Descriptor,
  type Digest,
  type Repository,
  type ResolvedManifest,
  annotations,
  emptyDescriptor,
  singleChunk,
  withoutProgress,
} from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';

import { bundleAnnotations, bundleType } from './bundle.js';

export interface NewBundle {
  readonly bundle: Uint8Array;
  readonly predicateType: string;
  /** RFC 3339. */
  readonly created: string;
  readonly options: CallOptions;
}

/** Pushes a bundle in a manifest that refers to what it is about. @returns the digest of that manifest */
export async function pushBundle(
  repository: Repository,
  { descriptor: subject }: ResolvedManifest,
  { bundle, predicateType, created, options }: NewBundle,
): Promise<Digest> {
  const layer = await pushContent(repository, { bytes: bundle, mediaType: bundleType }, options);
  const { mediaType } = emptyDescriptor;
  await pushContent(repository, { bytes: Buffer.from('{}'), mediaType }, options);
  const manifest = createManifest({
    artifactType: bundleType,
    layers: [layer],
    subject,
    annotations: {
      [bundleAnnotations.content]: 'dsse-envelope',
      [bundleAnnotations.predicateType]: predicateType,
      [annotations.created]: created,
    },
  });
  await repository.pushManifest(manifest, options);
  return manifest.descriptor.digest;
}

export async function pushContent(
  repository: Repository,
  { bytes, mediaType }: { readonly bytes: Uint8Array; readonly mediaType: string },
  options: CallOptions,
): Promise<Descriptor> {
  const descriptor: Descriptor = { mediaType, digest: digestOf(bytes), size: bytes.byteLength };
  const quiet = { ...options, onEvent: withoutProgress(options.onEvent) };
  await repository.pushBlob(descriptor, singleChunk(bytes), quiet);
  return descriptor;
}

/** The present time, RFC 3339, in seconds. */
export function now(): string {
  return new Date().toISOString().replace(/\.\d+Z$/, 'Z');
}
