import { OciError, parseTag } from '@oci/spec-types';
import { image, inChunks } from '@oci/testing';
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
