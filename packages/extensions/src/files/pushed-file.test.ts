import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { createRegistry } from '@oci/client';
import { type Repository, emptyDescriptor, parseRepositoryName } from '@oci/spec-types';
import { MemoryRepository } from '@oci/client/layout';
import { digestOf } from '@oci/spec-types/node';
import { randomBytes, startRegistry, temporaryDirectory } from '@oci/testing';
import { expect, test } from 'vitest';

import { pushFiles } from './index.js';

const name = parseRepositoryName('team/tool');

test('each blob is asked for once', async () => {
  await using work = await temporaryDirectory();
  await using server = await startRegistry();
  const files = ['a', 'b', 'c'];
  for (const file of files) await writeFile(join(work.path, file), file);
  const registry = createRegistry({ url: server.url });
  await pushFiles(registry.repository(name), files, { base: work.path, tags: ['1.0.0'] });
  await registry.close();
  const heads = server.requests.filter(
    ({ method, path }) => method === 'HEAD' && path.includes('/blobs/'),
  );
  expect(heads).toHaveLength(files.length + 1);
});

test('a file of several blocks and a rest is described as it is', async () => {
  await using work = await temporaryDirectory();
  const bytes = randomBytes(3, 2_500_000);
  await writeFile(join(work.path, 'a'), bytes);
  const options = { base: work.path, tags: ['1.0.0'] };
  const { files } = await pushFiles(new MemoryRepository(), ['a'], options);
  expect(files[0]?.descriptor).toMatchObject({ digest: digestOf(bytes), size: 2_500_000 });
});

/** A repository in which something happens before a method is called with another blob than the empty one. */
function before(
  target: Repository,
  method: 'hasBlob' | 'pushBlob',
  happen: () => Promise<void>,
): Repository {
  return new Proxy(target, {
    get(repository, key) {
      const value: unknown = Reflect.get(repository, key, repository);
      if (typeof value !== 'function') return value;
      return async (...args: readonly { readonly digest?: string }[]) => {
        if (key === method && args[0]?.digest !== emptyDescriptor.digest) await happen();
        return Reflect.apply(value, repository, args) as unknown;
      };
    },
  });
}

test.each(['hasBlob', 'pushBlob'] as const)(
  'a file that is written to before %s never becomes the blob that it was',
  async (method) => {
    await using work = await temporaryDirectory();
    await using server = await startRegistry();
    const path = join(work.path, 'a');
    await writeFile(path, 'first');
    const registry = createRegistry({ url: server.url });
    let texts = 0;
    for (const target of [registry.repository(name), new MemoryRepository()]) {
      const changed = before(target, method, () => writeFile(path, `text${(texts += 1)}`));
      await expect(
        pushFiles(changed, ['a'], { base: work.path, tags: ['1.0.0'] }),
      ).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
    }
    await registry.close();
    const blobs = server.repositories.get(name)?.blobs ?? new Map();
    expect([...blobs.keys()].filter((digest) => digest !== emptyDescriptor.digest)).toEqual([]);
  },
);

test('a file that is replaced by the same bytes is pushed', async () => {
  await using work = await temporaryDirectory();
  const path = join(work.path, 'a');
  await writeFile(path, 'first');
  const target = new MemoryRepository();
  const touched = before(target, 'hasBlob', () => writeFile(path, 'first'));
  const { files } = await pushFiles(touched, ['a'], { base: work.path, tags: ['1.0.0'] });
  expect(await target.hasBlob(files[0]?.descriptor ?? emptyDescriptor)).toBe(true);
});
