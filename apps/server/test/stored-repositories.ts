import {
  type Digest,
  type RepositoryName,
  type Tag,
  childrenOf,
  mediaTypes,
} from '@oci/spec-types';
import { describeManifest, digestOf } from '@oci/spec-types/node';
import { type ArtifactBytes, bytesOf, collect } from '@oci/testing';
import * as fc from 'fast-check';

import type { HostedRegistry } from '../src/hosted/hosted-registry.js';
import { bytes as bodyOf } from '../src/hosted/json-object.js';

/** Pushes an artifact with all that it leads to, without HTTP. */
export async function store(
  registry: HostedRegistry,
  name: RepositoryName,
  artifact: ArtifactBytes,
  tags: readonly Tag[] = [],
): Promise<void> {
  for (const { descriptor, bytes } of artifact.blobs)
    await registry.blobs.put(name, { descriptor, body: bodyOf(bytes) });
  for (const child of artifact.children) await store(registry, name, child);
  await registry.manifests.put(name, artifact.manifest, { tags });
}

/** All that can be read of repositories, to be compared: everything that comes out was hashed. */
export async function readAll(registry: HostedRegistry): Promise<Record<string, object>> {
  const state: Record<string, object> = {};
  for await (const name of registry.listRepositories()) {
    const manifests: Record<string, object> = {};
    for await (const { digest, pushedAt } of registry.manifests.list(name))
      manifests[digest] = {
        pushedAt,
        usage: await registry.pulls.find(name, digest),
        ...(await readManifest(registry, name, digest)),
      };
    const tags: Record<string, unknown> = {};
    for await (const tag of registry.manifests.tags(name))
      tags[tag] = await registry.manifests.tagged(name, tag);
    state[name] = { manifests, tags };
  }
  return state;
}

async function readManifest(
  registry: HostedRegistry,
  name: RepositoryName,
  digest: Digest,
): Promise<object> {
  const found = await registry.manifests.find(name, { digest });
  if (!found) return { is: 'missing' };
  const manifest = await registry.manifests.read(found);
  const blobs: Record<string, string> = {};
  for (const child of childrenOf(manifest)) {
    const blob = await registry.blobs.open(name, child.digest);
    blobs[child.digest] = blob ? digestOf(await collect(blob.body)) : 'missing';
  }
  const referrers = [];
  for await (const referrer of registry.manifests.referrers(name, digest)) referrers.push(referrer);
  return { descriptor: manifest.descriptor, text: digestOf(manifest.bytes), blobs, referrers };
}

/** A manifest of a random graph: what it leads to are numbers of blobs, or of manifests before it. */
interface RandomManifest {
  readonly isIndex: boolean;
  readonly children: readonly number[];
  /** Number of its subject, which may come later. */
  readonly subject: number | undefined;
  readonly tags: readonly string[];
}

const names = ['a', 'a/b', 'blobs/index.json', `${'n'.repeat(127)}/${'m'.repeat(127)}`];
const tags = ['latest', 'Latest', 'LATEST', '_x', '1.0', 'Z'.repeat(128), 'z'.repeat(128)];

export const randomGraph: fc.Arbitrary<readonly (RandomManifest & { readonly name: string })[]> =
  fc.array(
    fc.record({
      name: fc.constantFrom(...names),
      isIndex: fc.boolean(),
      children: fc.uniqueArray(fc.nat(9), { maxLength: 4 }),
      subject: fc.option(fc.nat(9), { nil: undefined, freq: 2 }),
      tags: fc.uniqueArray(fc.constantFrom(...tags), { maxLength: 2 }),
    }),
    { minLength: 1, maxLength: 8 },
  );

/** Pushes a random graph; blobs with high numbers, and manifests that are not before it, are missing. */
export async function storeGraph(
  registry: HostedRegistry,
  graph: readonly (RandomManifest & { readonly name: string })[],
): Promise<void> {
  const blobs = Array.from({ length: 10 }, (_, at) => bytesOf(`blob ${at}`.repeat(at)));
  const before = new Map<string, object[]>();
  for (const [at, { name: text, isIndex, children, subject, tags: named }] of graph.entries()) {
    const name = text as RepositoryName;
    const manifests = before.get(text) ?? [];
    const descriptors = children.map((number) =>
      isIndex ? (manifests[number] ?? absent(number)) : described(blobs[number] ?? bytesOf('')),
    );
    for (const number of isIndex ? [] : children) {
      const bytes = blobs[number];
      if (!bytes || number > 7) continue;
      const descriptor = { digest: digestOf(bytes), size: bytes.byteLength };
      await registry.blobs.put(name, { descriptor, body: bodyOf(bytes) });
    }
    const document = {
      schemaVersion: 2,
      mediaType: isIndex ? mediaTypes.imageIndex : mediaTypes.imageManifest,
      [isIndex ? 'manifests' : 'layers']: descriptors,
      ...(subject !== undefined && { subject: manifests[subject] ?? absent(subject) }),
      annotations: { at: String(at) },
    };
    const manifest = describeManifest(bytesOf(JSON.stringify(document)));
    const pushedAt = 1_700_000_000_000 + at;
    const put = { tags: named as readonly Tag[], isSparse: true, pushedAt };
    await registry.manifests.put(name, manifest, put);
    if (at % 2 === 0) registry.pulls.note(name, manifest.descriptor.digest, pushedAt + 1000);
    before.set(text, [...manifests, manifest.descriptor]);
  }
  await registry.pulls.flush();
}

function described(bytes: Uint8Array): object {
  return { mediaType: mediaTypes.layerTar, digest: digestOf(bytes), size: bytes.byteLength };
}

function absent(number: number): object {
  const bytes = bytesOf(`absent ${number}`);
  return { ...described(bytes), mediaType: mediaTypes.imageManifest };
}
