import type { BlobMounter, Repository, RepositoryName } from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import { describe, expect, test } from 'vitest';

import { blobBytes } from '../artifact/artifact-bytes.js';
import { inChunks, randomBytes } from '../bytes.js';
import { readBlob, withRepository } from './repository/with-repository.js';

/** Two empty repositories of one place, made for one test. */
export interface MountUnderTest {
  readonly repository: Repository & BlobMounter;
  readonly other: Repository;
  readonly otherName: RepositoryName;
  readonly close: () => Promise<void>;
}

const blob = blobBytes('application/octet-stream', randomBytes(40, 5000));

/** What every `BlobMounter` does whose place can mount. */
export function mountContract(name: string, make: () => Promise<MountUnderTest>): void {
  describe(`${name} keeps the contract of mounting`, () => {
    test(
      'has a blob of another repository once it was mounted',
      withRepository(make, async (repository, { other, otherName }: MountUnderTest) => {
        await other.pushBlob(blob.descriptor, inChunks(blob.bytes));
        expect(await repository.hasBlob(blob.descriptor)).toBe(false);
        expect(await repository.mountBlob(blob.descriptor, otherName)).toBe(true);
        expect(await repository.hasBlob(blob.descriptor)).toBe(true);
        expect(digestOf(await readBlob(repository, blob.descriptor))).toBe(blob.descriptor.digest);
      }),
    );

    test(
      'says so when the other repository does not have it, and takes it by a push',
      withRepository(make, async (repository, { otherName }: MountUnderTest) => {
        expect(await repository.mountBlob(blob.descriptor, otherName)).toBe(false);
        expect(await repository.mountBlob(blob.descriptor, undefined)).toBe(false);
        expect(await repository.hasBlob(blob.descriptor)).toBe(false);
        await repository.pushBlob(blob.descriptor, inChunks(blob.bytes));
        expect(await repository.hasBlob(blob.descriptor)).toBe(true);
      }),
    );

    test(
      'mounts nothing when the signal is aborted already',
      withRepository(make, async (repository, { other, otherName }: MountUnderTest) => {
        await other.pushBlob(blob.descriptor, inChunks(blob.bytes));
        const options = { signal: AbortSignal.abort() };
        const mounting = repository.mountBlob(blob.descriptor, otherName, options);
        await expect(mounting).rejects.toMatchObject({ code: 'ABORTED' });
        expect(await repository.hasBlob(blob.descriptor)).toBe(false);
      }),
    );
  });
}
