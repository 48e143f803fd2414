import {
  type ManifestDeleter,
  type Repository,
  type TagDeleter,
  isOciError,
  parseTag,
} from '@oci/spec-types';
import { describe, expect, test } from 'vitest';

import { image } from '../artifact/image.js';
import { pushAll, withRepository } from './repository/with-repository.js';

/** An empty repository that deletes, made for one test. */
export interface DeletionUnderTest {
  readonly repository: Repository & ManifestDeleter & TagDeleter;
  readonly close: () => Promise<void>;
}

const unknown = { code: 'MANIFEST_UNKNOWN' };
const [stable, latest] = [parseTag('1.0.0'), parseTag('latest')];

/** What every repository that deletes manifests and tags does. */
export function deletionContract(name: string, make: () => Promise<DeletionUnderTest>): void {
  describe(`${name} keeps the contract of deletion`, () => {
    test(
      'deletes a manifest with all its tags, and nothing else',
      withRepository(make, async (repository) => {
        const [gone, kept] = [image(), image({ architecture: 'arm64' })];
        for (const tag of [stable, latest]) await pushAll(repository, gone, { tag });
        await pushAll(repository, kept, { tag: parseTag('other') });
        await repository.deleteManifest(gone.manifest.descriptor);
        await expect(repository.resolve(gone.manifest.descriptor.digest)).rejects.toMatchObject(
          unknown,
        );
        await expect(repository.resolve(stable)).rejects.toMatchObject(unknown);
        await expect(repository.fetchManifest(gone.manifest.descriptor)).rejects.toMatchObject(
          unknown,
        );
        expect(await tagsOf(repository)).toEqual(['other']);
        const { digest } = kept.manifest.descriptor;
        expect(await repository.resolve(parseTag('other'))).toMatchObject({ digest });
      }),
    );

    test(
      'deletes a tag and keeps its manifest, and its other tags',
      withRepository(make, async (repository) => {
        const artifact = image();
        for (const tag of [stable, latest]) await pushAll(repository, artifact, { tag });
        await repository.deleteTag(stable);
        await expect(repository.resolve(stable)).rejects.toMatchObject(unknown);
        const { digest } = artifact.manifest.descriptor;
        expect(await repository.resolve(latest)).toMatchObject({ digest });
        expect(await repository.resolve(digest)).toMatchObject({ digest });
        expect(await tagsOf(repository)).toEqual([latest]);
      }),
    );

    test(
      'knows what is not there',
      withRepository(make, async (repository) => {
        const artifact = image();
        await pushAll(repository, artifact, { tag: latest });
        await expect(repository.deleteTag(stable)).rejects.toMatchObject(unknown);
        await repository.deleteManifest(artifact.manifest.descriptor);
        const again = repository.deleteManifest(artifact.manifest.descriptor);
        await expect(again).rejects.toMatchObject(unknown);
      }),
    );

    test(
      'takes again what was deleted',
      withRepository(make, async (repository) => {
        const artifact = image();
        await pushAll(repository, artifact, { tag: latest });
        await repository.deleteManifest(artifact.manifest.descriptor);
        await pushAll(repository, artifact, { tag: latest });
        const { digest } = artifact.manifest.descriptor;
        expect(await repository.resolve(latest)).toMatchObject({ digest });
      }),
    );

    test(
      'deletes nothing when the signal is aborted already',
      withRepository(make, async (repository) => {
        const artifact = image();
        await pushAll(repository, artifact, { tag: latest });
        const options = { signal: AbortSignal.abort() };
        const aborted = { code: 'ABORTED' };
        const { descriptor } = artifact.manifest;
        await expect(repository.deleteTag(latest, options)).rejects.toMatchObject(aborted);
        await expect(repository.deleteManifest(descriptor, options)).rejects.toMatchObject(aborted);
        expect(await repository.resolve(latest)).toMatchObject({ digest: descriptor.digest });
      }),
    );
  });
}

/** Some registries know a repository only while it has a tag. */
async function tagsOf(repository: Repository): Promise<readonly string[]> {
  const tags: string[] = [];
  try {
    for await (const tag of repository.listTags()) tags.push(tag);
  } catch (error) {
    if (!isOciError(error, 'NAME_UNKNOWN')) throw error;
  }
  return tags;
}
