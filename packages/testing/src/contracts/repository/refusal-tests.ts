import { type Descriptor, type Digest, type Repository, parseDigest } from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import { expect, test } from 'vitest';

import { blobBytes } from '../../artifact/artifact-bytes.js';
import { collect, inChunks, randomBytes } from '../../bytes.js';
import type { MakeRepository } from '../repository-contract.js';
import { readBlob, withRepository } from './with-repository.js';

const type = 'application/octet-stream';
const size = 10_000;
const { descriptor, bytes } = blobBytes(type, randomBytes(20, size));

export function refusalTests(make: MakeRepository): void {
  for (const algorithm of ['sha256', 'sha512'] as const) {
    test(
      `refuses bytes of another ${algorithm} digest and keeps nothing`,
      withRepository(make, async (repository) => {
        const promised = blobBytes(type, randomBytes(21, size), { algorithm }).descriptor;
        await expect(repository.pushBlob(promised, inChunks(bytes, 999))).rejects.toMatchObject({
          code: 'DIGEST_MISMATCH',
        });
        await expectNothing(repository, promised);
      }),
    );
  }

  for (const [what, body] of [
    ['too few bytes', bytes.subarray(0, size - 1)],
    ['too many bytes', Buffer.concat([bytes, new Uint8Array(1)])],
    ['no bytes', new Uint8Array()],
  ] as const) {
    test(
      `refuses ${what} and keeps nothing`,
      withRepository(make, async (repository) => {
        await expect(repository.pushBlob(descriptor, inChunks(body, 999))).rejects.toMatchObject({
          code: 'SIZE_MISMATCH',
        });
        await expectNothing(repository, descriptor);
      }),
    );
  }

  test(
    'fails with a body that fails and keeps nothing',
    withRepository(make, async (repository) => {
      async function* failing(): AsyncGenerator<Uint8Array, void, undefined> {
        yield* inChunks(bytes.subarray(0, size / 2), 999);
        throw new Error('the source broke');
      }
      await expect(repository.pushBlob(descriptor, failing())).rejects.toThrow(Error);
      await expectNothing(repository, descriptor);
    }),
  );

  test(
    'takes the right bytes when wrong ones were refused before',
    withRepository(make, async (repository) => {
      await expect(
        repository.pushBlob(descriptor, inChunks(randomBytes(22, size))),
      ).rejects.toThrow(Error);
      await repository.pushBlob(descriptor, inChunks(bytes));
      expect(digestOf(await readBlob(repository, descriptor))).toBe(digestOf(bytes));
    }),
  );

  test(
    'knows no blob that was never pushed',
    withRepository(make, async (repository) => {
      const blob = repository.fetchBlob(descriptor).then((body) => collect(body));
      await expect(blob).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' });
    }),
  );

  test(
    'notices that a blob has another size than its descriptor says',
    withRepository(make, async (repository) => {
      await repository.pushBlob(descriptor, inChunks(bytes));
      for (const wrong of [size - 1, size + 1]) {
        await expect(readBlob(repository, { ...descriptor, size: wrong })).rejects.toMatchObject({
          code: 'SIZE_MISMATCH',
        });
      }
    }),
  );

  test(
    'does not push what it has no way to verify',
    withRepository(make, async (repository) => {
      const digest: Digest = parseDigest(`blake3:${'0'.repeat(64)}`);
      await expect(
        repository.pushBlob({ ...descriptor, digest }, inChunks(bytes)),
      ).rejects.toMatchObject({ code: 'DIGEST_UNSUPPORTED' });
    }),
  );
}

async function expectNothing(repository: Repository, descriptor: Descriptor): Promise<void> {
  expect(await repository.hasBlob(descriptor)).toBe(false);
  await expect(readBlob(repository, descriptor)).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' });
}
