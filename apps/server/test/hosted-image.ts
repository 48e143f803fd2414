import {
  type Descriptor,
  type RepositoryName,
  type ResolvedManifest,
  type Tag,
  mediaTypes,
  parseTag,
} from '@oci/spec-types';
import { describeManifest, digestOf } from '@oci/spec-types/node';
import { bytesOf, randomBytes } from '@oci/testing';

import type { HostedRegistry } from '../src/hosted/hosted-registry.js';
import { bytes as bodyOf } from '../src/hosted/json-object.js';

/** Content with its bytes. */
export interface Content extends Descriptor {
  readonly bytes: Uint8Array;
}

function contentOf(bytes: Uint8Array, mediaType = 'application/x-test'): Content {
  return { mediaType, digest: digestOf(bytes), size: bytes.byteLength, bytes };
}

export const small: Content = contentOf(bytesOf('something small'));

/** An index with an image and a referrer of the image, and what a repository holds of them. */
export interface HostedImage {
  readonly tagged: Tag;
  readonly config: Content;
  readonly layer: Content;
  readonly manifest: Descriptor;
  readonly index: Descriptor;
  readonly referrer: Descriptor;
  /** Everything that is stored. */
  readonly contents: readonly Descriptor[];
}

/** Pushes an index of one image as tag `1`, and a referrer of the image. @param of makes it another one */
export async function pushImage(
  registry: HostedRegistry,
  name: RepositoryName,
  { of = '' }: { readonly of?: string } = {},
): Promise<HostedImage> {
  const seed = Number.parseInt(digestOf(bytesOf(of)).slice(-8), 16) >>> 1;
  const config = contentOf(bytesOf(`{"of":${JSON.stringify(of)}}`));
  const layer = contentOf(randomBytes(seed, 3000));
  for (const { bytes, digest, size } of [config, layer])
    await registry.blobs.put(name, { descriptor: { digest, size }, body: bodyOf(bytes) });
  const manifest = document({
    mediaType: mediaTypes.imageManifest,
    config: descriptorOf(config),
    layers: [descriptorOf(layer)],
  });
  const { descriptor } = manifest;
  const index = document({ mediaType: mediaTypes.imageIndex, manifests: [descriptor] });
  const referrer = document({
    mediaType: mediaTypes.imageIndex,
    manifests: [],
    subject: descriptor,
    annotations: { of },
  });
  const tagged = parseTag('1');
  await registry.manifests.put(name, manifest, { tags: [] });
  await registry.manifests.put(name, index, { tags: [tagged] });
  await registry.manifests.put(name, referrer, { tags: [] });
  const contents = [config, layer, manifest.descriptor, index.descriptor, referrer.descriptor];
  return {
    tagged,
    config,
    layer,
    manifest: descriptor,
    index: index.descriptor,
    referrer: referrer.descriptor,
    contents,
  };
}

export async function allOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

function document(fields: object): ResolvedManifest {
  return describeManifest(bytesOf(JSON.stringify({ schemaVersion: 2, ...fields })));
}

function descriptorOf({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}
