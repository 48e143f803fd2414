import { type Repository, childrenOf, emptyDescriptor, parseTag } from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import { expect, test } from 'vitest';

import { blobBytes } from '../../artifact/artifact-bytes.js';
import { image } from '../../artifact/image.js';
import { inChunks, randomBytes } from '../../bytes.js';
import type { MakeRepository } from '../repository-contract.js';
import { pushAll, readBlob, withRepository } from './with-repository.js';

const aborted = { code: 'ABORTED' };
const large = blobBytes('application/octet-stream', randomBytes(30, 8 * 1024 * 1024));

const small = image();
const [config = emptyDescriptor] = childrenOf(small.manifest);

/** Every call of a repository on content that is there, or, for the large blob, is not. */
const calls: Readonly<
  Record<
    string,
    (repository: Repository, options: { readonly signal: AbortSignal }) => Promise<unknown>
  >
> = {
  resolve: (repository, options) => repository.resolve(small.manifest.descriptor.digest, options),
  fetchManifest: (repository, options) =>
    repository.fetchManifest(small.manifest.descriptor, options),
  fetchBlob: (repository, options) => readBlob(repository, config, options),
  hasBlob: (repository, options) => repository.hasBlob(config, options),
  pushBlob: (repository, options) =>
    repository.pushBlob(large.descriptor, inChunks(large.bytes), options),
  pushManifest: (repository, options) => repository.pushManifest(small.manifest, options),
  listTags: (repository, options) => drain(repository.listTags(options)[Symbol.asyncIterator]()),
};

export function abortTests(make: MakeRepository): void {
  for (const [name, call] of Object.entries(calls)) {
    test(
      `does not begin ${name} when the signal is aborted already`,
      withRepository(make, async (repository) => {
        await pushAll(repository, small, { tag: parseTag('latest') });
        const options = { signal: AbortSignal.abort() };
        await expect(call(repository, options)).rejects.toMatchObject(aborted);
        expect(await repository.hasBlob(large.descriptor)).toBe(false);
      }),
    );
  }

  test(
    'stops a push in the middle and keeps nothing',
    withRepository(make, async (repository) => {
      const controller = new AbortController();
      let passed = 0;
      async function* body(): AsyncGenerator<Uint8Array, void, undefined> {
        for await (const chunk of inChunks(large.bytes, 65_536)) {
          if (passed > large.bytes.byteLength / 2) controller.abort();
          passed += chunk.byteLength;
          yield chunk;
        }
      }
      const { signal } = controller;
      await expect(repository.pushBlob(large.descriptor, body(), { signal })).rejects.toMatchObject(
        aborted,
      );
      expect(await repository.hasBlob(large.descriptor)).toBe(false);
    }),
  );

  test(
    'stops a download in the middle',
    withRepository(make, async (repository) => {
      await repository.pushBlob(large.descriptor, inChunks(large.bytes, 65_536));
      const controller = new AbortController();
      const { signal } = controller;
      const chunks = (await repository.fetchBlob(large.descriptor, { signal }))[
        Symbol.asyncIterator
      ]();
      const first = await chunks.next();
      expect(first.done).not.toBe(true);
      controller.abort();
      await expect(drain(chunks)).rejects.toMatchObject(aborted);
      expect(digestOf(await readBlob(repository, large.descriptor))).toBe(digestOf(large.bytes));
    }),
  );
}

async function drain(iterator: AsyncIterator<unknown>): Promise<void> {
  while ((await iterator.next()).done !== true);
}
