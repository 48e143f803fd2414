import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { parseTag } from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import { collect, image, inChunks, temporaryDirectory } from '@oci/testing';
import { expect, test } from 'vitest';

import { LayoutDirectory } from '../layout/layout-directory.js';
import { MemoryRepository } from '../memory/memory-repository.js';
import { copy } from './copy.js';

const tag = parseTag('1.0.0');

test('a damaged blob of the right size is brought anew, whether or not the copy is told to verify', async () => {
  await using directory = await temporaryDirectory();
  const repository = new MemoryRepository();
  const artifact = image();
  for (const { descriptor, bytes } of artifact.blobs)
    await repository.pushBlob(descriptor, inChunks(bytes));
  await repository.pushManifest(artifact.manifest, { tag });
  const source = { repository, reference: tag };
  const layout = await LayoutDirectory.open(directory.path, { create: true });
  await copy(source, { repository: layout });

  const [, blob] = artifact.blobs;
  const { digest, size } = blob?.descriptor ?? artifact.manifest.descriptor;
  for (const options of [{}, { verify: true }]) {
    await writeFile(join(directory.path, 'blobs', ...digest.split(':')), Buffer.alloc(size));
    const { copied } = await copy(source, { repository: layout }, options);
    expect(copied.blobs).toBe(1);
  }
  const bytes = await collect(
    await layout.fetchBlob({ mediaType: 'application/octet-stream', digest, size }),
  );
  expect(digestOf(bytes)).toBe(digest);
});
