import { type Repository, type Tag, isOciError, parseTag } from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import { expect, test } from 'vitest';

import { image } from '../../artifact/image.js';
import type { MakeRepository } from '../repository-contract.js';
import { pushAll, withRepository } from './with-repository.js';

export function tagTests(make: MakeRepository): void {
  test(
    'has no tags while it is empty',
    withRepository(make, async (repository) => {
      expect(await tagsOrNone(repository)).toEqual([]);
    }),
  );

  test(
    'has no tags when a manifest was pushed without one',
    withRepository(make, async (repository) => {
      await pushAll(repository, image());
      expect(await tagsOrNone(repository)).toEqual([]);
    }),
  );

  test(
    'lists every tag once',
    withRepository(make, async (repository) => {
      const artifact = image();
      await pushAll(repository, artifact);
      const tags = ['latest', '_', 'V2', 'v1.0.0-rc.1', '1.0.0_build', 'a'.repeat(128)].map((tag) =>
        parseTag(tag),
      );
      for (const tag of tags) await repository.pushManifest(artifact.manifest, { tag });
      const listed = await tagsOf(repository);
      expect([...listed].sort()).toEqual([...tags].sort());
    }),
  );

  test(
    'tells tags apart that differ in case only',
    withRepository(make, async (repository) => {
      const lower = image({ architecture: 'amd64' });
      const upper = image({ architecture: 'arm64' });
      await pushAll(repository, lower, { tag: parseTag('rc') });
      await pushAll(repository, upper, { tag: parseTag('RC') });
      const { digest } = lower.manifest.descriptor;
      expect(await repository.resolve(parseTag('rc'))).toMatchObject({ digest });
      expect([...(await tagsOf(repository))].sort()).toEqual(['RC', 'rc']);
    }),
  );

  test(
    'moves a tag to another manifest and keeps the old one by digest',
    withRepository(make, async (repository) => {
      const tag = parseTag('latest');
      const before = image({ architecture: 'amd64' });
      const after = image({ architecture: 'arm64' });
      await pushAll(repository, before, { tag });
      await pushAll(repository, after, { tag });
      expect(await repository.resolve(tag)).toMatchObject({
        digest: after.manifest.descriptor.digest,
      });
      expect(await tagsOf(repository)).toEqual([tag]);
      const old = await repository.fetchManifest(before.manifest.descriptor);
      expect(digestOf(old.bytes)).toBe(digestOf(before.manifest.bytes));
    }),
  );
}

/** Some registries know a repository only when it has a tag. */
async function tagsOrNone(repository: Repository): Promise<readonly Tag[]> {
  try {
    return await tagsOf(repository);
  } catch (error) {
    if (isOciError(error, 'NAME_UNKNOWN')) return [];
    throw error;
  }
}

async function tagsOf(repository: Repository): Promise<readonly Tag[]> {
  const tags: Tag[] = [];
  for await (const tag of repository.listTags()) tags.push(tag);
  return tags;
}
