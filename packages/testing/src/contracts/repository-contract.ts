import type { Repository } from '@oci/spec-types';
import { describe } from 'vitest';

import { abortTests } from './repository/abort-tests.js';
import { blobTests } from './repository/blob-tests.js';
import { manifestTests } from './repository/manifest-tests.js';
import { refusalTests } from './repository/refusal-tests.js';
import { tagTests } from './repository/tag-tests.js';

/** An empty repository, made for one test. */
export interface RepositoryUnderTest {
  readonly repository: Repository;
  readonly close: () => Promise<void>;
}

export type MakeRepository = () => Promise<RepositoryUnderTest>;

/** What every `Repository` does, whether it is remote, on disk or in memory. */
export function repositoryContract(name: string, make: MakeRepository): void {
  describe(`${name} keeps the contract of a repository`, () => {
    describe('blobs', () => {
      blobTests(make);
    });
    describe('refused content', () => {
      refusalTests(make);
    });
    describe('manifests', () => {
      manifestTests(make);
    });
    describe('tags', () => {
      tagTests(make);
    });
    describe('aborted calls', () => {
      abortTests(make);
    });
  });
}
