import { OciError, type ReadableRepository, parseTag } from '@oci/spec-types';
import { image, imageIndex, inChunks } from '@oci/testing';
import { expect, test } from 'vitest';

import { MemoryRepository } from '../memory/memory-repository.js';
import { copy } from './copy.js';

const tag = parseTag('1.0.0');

test('a source that fails when signatures are looked for is told apart from the target', async () => {
  const source = new MemoryRepository();
  const artifact = image();
  for (const { descriptor, bytes } of artifact.blobs)
    await source.pushBlob(descriptor, inChunks(bytes));
  await source.pushManifest(artifact.manifest, { tag });
  const failing = new Proxy(source, {
    get: (target, key) =>
      key === 'resolve'
        ? async (name: string) => {
            if (name.endsWith('.sig')) throw new OciError('NETWORK', 'it broke');
            return target.resolve(tag);
          }
        : Reflect.get(target, key).bind(target),
  });
  const copying = copy(
    { repository: failing, reference: tag },
    { repository: new MemoryRepository() },
    { referrers: true },
  );
  await expect(copying).rejects.toMatchObject({ code: 'NETWORK', side: 'source' });
});

test('many signatures are read at once, and named in the order of what they are about', async () => {
  const source = new MemoryRepository();
  const images = ['a', 'b', 'c', 'd'].map((text) => image({ layers: [{ text }] }));
  const index = imageIndex({ manifests: images.map((artifact) => ({ artifact })) });
  const signatures = images.map((_, at) => image({ layers: [{ signature: String(at) }] }));
  for (const { blobs } of [...images, ...signatures])
    for (const { descriptor, bytes } of blobs) await source.pushBlob(descriptor, inChunks(bytes));
  for (const { manifest } of images) await source.pushManifest(manifest);
  await source.pushManifest(index.manifest, { tag });
  const names = images.map(({ manifest }) => `${manifest.descriptor.digest.replace(':', '-')}.sig`);
  for (const [at, { manifest }] of signatures.entries())
    await source.pushManifest(manifest, { tag: parseTag(names[at] ?? '') });

  let running = 0;
  let most = 0;
  const digests = new Set(signatures.map(({ manifest }) => manifest.descriptor.digest));
  const slow: ReadableRepository = {
    fetchBlob: (...args) => source.fetchBlob(...args),
    async fetchManifest(descriptor) {
      const isSignature = digests.has(descriptor.digest);
      if (isSignature) most = Math.max(most, (running += 1));
      await new Promise(setImmediate);
      if (isSignature) running -= 1;
      return source.fetchManifest(descriptor);
    },
    async resolve(name) {
      // Who is asked first answers last.
      const turns = names.includes(name) ? names.length - names.indexOf(name) : 0;
      for (let turn = 0; turn < turns; turn += 1) await new Promise(setImmediate);
      return source.resolve(name);
    },
  };
  const target = new MemoryRepository();
  await copy(
    { repository: slow, reference: tag },
    { repository: target },
    { referrers: true, concurrency: 4 },
  );
  const kept: string[] = [];
  for await (const name of target.listTags()) kept.push(name);
  expect(kept.filter((name) => name.endsWith('.sig'))).toEqual(names);
  expect(most).toBe(4);
});
