import {
  type Descriptor,
  type ReferrerLister,
  type Repository,
  artifactTypeOf,
} from '@oci/spec-types';
import { describeManifest } from '@oci/spec-types/node';
import { describe, expect, test } from 'vitest';

import type { ArtifactBytes } from '../artifact/artifact-bytes.js';
import { image } from '../artifact/image.js';
import { bytesOf } from '../bytes.js';
import { pushAll, withRepository } from './repository/with-repository.js';

/** An empty repository that lists referrers, made for one test. */
export interface ReferrersUnderTest {
  readonly repository: Repository & ReferrerLister;
  readonly close: () => Promise<void>;
}

const signature = 'application/vnd.example.signature';
const sbom = 'application/vnd.example.sbom';

/** What every `ReferrerLister` does, whether the registry keeps the list or a tag holds it. */
export function referrersContract(name: string, make: () => Promise<ReferrersUnderTest>): void {
  describe(`${name} keeps the contract of a referrer lister`, () => {
    test(
      'lists nothing for a subject that nothing refers to, known or not',
      withRepository(make, async (repository) => {
        const { descriptor } = await pushSubject(repository);
        expect(await referrersOf(repository, descriptor)).toEqual([]);
        expect(
          await referrersOf(repository, image({ architecture: 's390x' }).manifest.descriptor),
        ).toEqual([]);
      }),
    );

    test(
      'lists what refers to a subject, with type and annotations',
      withRepository(make, async (repository) => {
        const { descriptor } = await pushSubject(repository);
        const one = await pushReferrer(repository, descriptor, {
          artifactType: signature,
          mark: '1',
        });
        const two = await pushReferrer(repository, descriptor, { artifactType: sbom, mark: '2' });
        const listed = await referrersOf(repository, descriptor);
        expect(listed.map(({ digest }) => digest).sort()).toEqual([one.digest, two.digest].sort());
        expect(listed.find(({ digest }) => digest === one.digest)).toMatchObject({
          ...one,
          artifactType: signature,
          annotations: { mark: '1' },
        });
      }),
    );

    test(
      'lists those of one artifact type when asked to',
      withRepository(make, async (repository) => {
        const { descriptor } = await pushSubject(repository);
        await pushReferrer(repository, descriptor, { artifactType: signature, mark: '1' });
        const wanted = await pushReferrer(repository, descriptor, {
          artifactType: sbom,
          mark: '2',
        });
        const listed = await referrersOf(repository, descriptor, sbom);
        expect(listed.map(({ digest }) => digest)).toEqual([wanted.digest]);
      }),
    );

    test(
      'lists a referrer that was pushed before its subject, and one pushed twice once',
      withRepository(make, async (repository) => {
        const subject = image();
        for (let times = 0; times < 2; times += 1) {
          await pushReferrer(repository, subject.manifest.descriptor, {
            artifactType: sbom,
            mark: '1',
          });
        }
        await pushAll(repository, subject);
        expect(await referrersOf(repository, subject.manifest.descriptor)).toHaveLength(1);
      }),
    );

    test(
      'keeps the referrers of each subject apart',
      withRepository(make, async (repository) => {
        const first = await pushSubject(repository);
        const second = image({ architecture: 'arm64' });
        await pushAll(repository, second);
        await pushReferrer(repository, first.descriptor, { artifactType: sbom, mark: '1' });
        expect(await referrersOf(repository, second.manifest.descriptor)).toEqual([]);
      }),
    );

    test(
      'lists every referrer of several that are pushed at once',
      withRepository(make, async (repository) => {
        const { descriptor } = await pushSubject(repository);
        const pushed = await Promise.all(
          Array.from({ length: 6 }, (_, at) =>
            pushReferrer(repository, descriptor, { artifactType: sbom, mark: String(at) }),
          ),
        );
        const listed = await referrersOf(repository, descriptor);
        expect(listed.map(({ digest }) => digest).sort()).toEqual(
          pushed.map(({ digest }) => digest).sort(),
        );
      }),
    );

    test(
      'does not begin when the signal is aborted already',
      withRepository(make, async (repository) => {
        const { descriptor } = await pushSubject(repository);
        const options = { signal: AbortSignal.abort() };
        const listing = repository.listReferrers(descriptor, options);
        const first = listing[Symbol.asyncIterator]().next();
        await expect(first).rejects.toMatchObject({ code: 'ABORTED' });
      }),
    );
  });
}

async function pushSubject(repository: Repository): Promise<ArtifactBytes['manifest']> {
  const subject = image();
  await pushAll(repository, subject);
  return subject.manifest;
}

/** An image with a subject and an artifact type, pushed with all it needs. */
async function pushReferrer(
  repository: Repository,
  subject: Descriptor,
  { artifactType, mark }: { readonly artifactType: string; readonly mark: string },
): Promise<Descriptor> {
  const base = image();
  const { mediaType, digest, size } = subject;
  const manifest = describeManifest(
    bytesOf(
      JSON.stringify({
        ...base.manifest.document,
        artifactType,
        subject: { mediaType, digest, size },
        annotations: { mark },
      }),
    ),
  );
  await pushAll(repository, { ...base, manifest });
  expect(artifactTypeOf(manifest)).toBe(artifactType);
  return manifest.descriptor;
}

async function referrersOf(
  repository: ReferrerLister,
  subject: Descriptor,
  artifactType?: string,
): Promise<readonly Descriptor[]> {
  const found: Descriptor[] = [];
  for await (const referrer of repository.listReferrers(subject, { artifactType }))
    found.push(referrer);
  return found;
}
