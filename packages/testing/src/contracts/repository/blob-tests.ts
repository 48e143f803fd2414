import { digestOf } from '@oci/spec-types/node';
import { expect, test } from 'vitest';

import { blobBytes } from '../../artifact/artifact-bytes.js';
import { inChunks, randomBytes } from '../../bytes.js';
import type { MakeRepository } from '../repository-contract.js';
import { readBlob, withRepository } from './with-repository.js';

const type = 'application/octet-stream';

export function blobTests(make: MakeRepository): void {
  test(
    'gives back the bytes that were pushed',
    withRepository(make, async (repository) => {
      const { descriptor, bytes } = blobBytes(type, randomBytes(1, 1000));
      await repository.pushBlob(descriptor, inChunks(bytes, 7, 64));
      expect(digestOf(await readBlob(repository, descriptor))).toBe(digestOf(bytes));
    }),
  );

  test(
    'has a blob only when it was pushed',
    withRepository(make, async (repository) => {
      const { descriptor, bytes } = blobBytes(type, randomBytes(2, 100));
      expect(await repository.hasBlob(descriptor)).toBe(false);
      await repository.pushBlob(descriptor, inChunks(bytes));
      expect(await repository.hasBlob(descriptor)).toBe(true);
    }),
  );

  test(
    'takes the same blob twice',
    withRepository(make, async (repository) => {
      const { descriptor, bytes } = blobBytes(type, randomBytes(3, 5000));
      await repository.pushBlob(descriptor, inChunks(bytes));
      await repository.pushBlob(descriptor, inChunks(bytes));
      expect(digestOf(await readBlob(repository, descriptor))).toBe(digestOf(bytes));
    }),
  );

  test(
    'takes the same blob from several pushes at once',
    withRepository(make, async (repository) => {
      const { descriptor, bytes } = blobBytes(type, randomBytes(4, 50_000));
      const sizes = [1000, 333, 50_000, 4096];
      await Promise.all(
        sizes.map((size) => repository.pushBlob(descriptor, inChunks(bytes, size))),
      );
      expect(digestOf(await readBlob(repository, descriptor))).toBe(digestOf(bytes));
    }),
  );

  test(
    'keeps an empty blob',
    withRepository(make, async (repository) => {
      const { descriptor, bytes } = blobBytes(type, new Uint8Array());
      await repository.pushBlob(descriptor, inChunks(bytes));
      expect(await repository.hasBlob(descriptor)).toBe(true);
      expect(digestOf(await readBlob(repository, descriptor))).toBe(digestOf(bytes));
    }),
  );

  test(
    'keeps a blob under its sha512 digest',
    withRepository(make, async (repository) => {
      const { descriptor, bytes } = blobBytes(type, randomBytes(5, 2000), { algorithm: 'sha512' });
      await repository.pushBlob(descriptor, inChunks(bytes));
      expect(descriptor.digest).toMatch(/^sha512:/);
      expect(await repository.hasBlob(descriptor)).toBe(true);
      expect(digestOf(await readBlob(repository, descriptor))).toBe(digestOf(bytes));
    }),
  );

  test(
    'keeps a blob of 8 MiB that comes in odd pieces',
    withRepository(make, async (repository) => {
      const { descriptor, bytes } = blobBytes(type, randomBytes(6, 8 * 1024 * 1024));
      await repository.pushBlob(descriptor, inChunks(bytes, 1, 65_537, 13, 262_143));
      expect(digestOf(await readBlob(repository, descriptor))).toBe(digestOf(bytes));
    }),
  );

  test(
    'goes on when a reader leaves in the middle',
    withRepository(make, async (repository) => {
      const { descriptor, bytes } = blobBytes(type, randomBytes(7, 1024 * 1024));
      await repository.pushBlob(descriptor, inChunks(bytes, 65_536));
      for await (const chunk of await repository.fetchBlob(descriptor)) {
        if (chunk.byteLength > 0) break;
      }
      expect(digestOf(await readBlob(repository, descriptor))).toBe(digestOf(bytes));
    }),
  );
}
