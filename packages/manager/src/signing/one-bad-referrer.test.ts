import { MemoryRepository } from '@oci/client/layout';
import {
  type Descriptor,
  OciError,
  type ResolvedManifest,
  parseTag,
  singleChunk,
} from '@oci/spec-types';
import { describeManifest, digestOf } from '@oci/spec-types/node';
import { kclPackage } from '@oci/testing';
import { beforeEach, expect, test } from 'vitest';

import { bundleType } from './bundle.js';
import { signArtifact } from './sign-artifact.js';
import type { SignatureForm, SignatureSource } from './found-signature.js';
import { generateKeyPair, readSigningKey } from './signing-key.js';
import { verifySignatures } from './verify-signatures.js';

const key = await readSigningKey((await generateKeyPair()).privateKey);
const authority = { keys: [key.publicKey] };

let repository: MemoryRepository;
let subject: ResolvedManifest;
beforeEach(async () => {
  repository = new MemoryRepository();
  const { manifest, blobs } = kclPackage({ name: 'core', version: '1.0.0' });
  for (const { bytes, descriptor } of blobs)
    await repository.pushBlob(descriptor, singleChunk(bytes));
  subject = describeManifest(manifest.bytes);
  await repository.pushManifest(subject, { tag: parseTag('1.0.0') });
});

const sign = (form: SignatureForm) =>
  signArtifact(repository, subject, key, { form, repositoryName: 'registry.example/core' });

/** The repository with another list of referrers: `change` is given the good ones. */
function listing(
  change: (good: readonly Descriptor[]) => Iterable<Descriptor> | AsyncIterable<Descriptor>,
) {
  return Object.assign(Object.create(repository) as MemoryRepository, {
    resolve: repository.resolve.bind(repository),
    fetchManifest: repository.fetchManifest.bind(repository),
    fetchBlob: repository.fetchBlob.bind(repository),
    listReferrers: async function* () {
      const good: Descriptor[] = [];
      for await (const one of repository.listReferrers(subject.descriptor)) good.push(one);
      yield* change(good);
    },
  });
}

const verify = (source: SignatureSource) =>
  verifySignatures(source, subject, authority, { name: 'registry.example/core:1.0.0' });

const junk = (size: number, artifactType = bundleType): Descriptor => ({
  mediaType: subject.mediaType,
  digest: digestOf(Buffer.from(String(size))),
  size,
  artifactType,
});

test.each<[string, (good: readonly Descriptor[]) => Descriptor[]]>([
  ['a descriptor that claims 8 PiB before it', (good) => [junk(2 ** 53 - 1), ...good]],
  ['a thousand that claim 64 MiB', (good) => [...manyJunk(900), ...good]],
  ['a type that lies', (good) => good.map((one) => ({ ...one, artifactType: 'a/b' }))],
  [
    'a list without types',
    (good) => good.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
  ],
])('a good signature is found beside %s', async (_, change) => {
  await sign('bundle');
  expect((await verify(listing(change))).signatures).toHaveLength(1);
});

function manyJunk(count: number): Descriptor[] {
  return Array.from({ length: count }, (_, at) => junk(64 * 1024 * 1024 + at));
}

const cut = new OciError('DOCUMENT_INVALID', 'the document is not JSON');
const down = new OciError('REGISTRY_UNAVAILABLE', 'registry.example has a problem of its own', {
  retryable: true,
});

test.each([cut, down])('a list that fails hides no signature under the tag: %s', async (error) => {
  await sign('cosign-tag');
  const source = listing(async function* (good) {
    yield* good;
    throw error;
  });
  expect((await verify(source)).signatures).toMatchObject([{ form: 'cosign-tag' }]);
});

test('more referrers than are read hide no signature under the tag', async () => {
  await sign('cosign-tag');
  expect((await verify(listing(() => manyJunk(1100)))).signatures).toHaveLength(1);
});

test.each([cut, down])('what cannot be read is never called unsigned: %s', async (error) => {
  const source = listing(async function* (good) {
    yield* good;
    throw error;
  });
  await expect(verify(source)).rejects.toMatchObject({
    code: error.code,
    message: expect.stringContaining(
      `no good signature of registry.example/core:1.0.0 (${subject.descriptor.digest}) was found`,
    ) as string,
    cause: error,
    retryable: error.retryable,
  });
});

test('a signature whose content cannot be had does not decide about the next', async () => {
  await sign('bundle');
  const source = listing((good) => [junk(1), ...good]);
  const failing = Object.assign(Object.create(source) as typeof source, {
    fetchManifest: async (...args: Parameters<SignatureSource['fetchManifest']>) => {
      if (args[0].size === 1) throw down;
      return source.fetchManifest(...args);
    },
  });
  expect((await verify(failing)).signatures).toHaveLength(1);
});

test('a tag that is denied is none, and the error says that it may not be read (cosign #2973)', async () => {
  const denied = new OciError('DENIED', 'registry.example denies access', {
    request: { method: 'HEAD', url: 'http://r/v2/core/manifests/sha256-abc.sig', attempts: 1 },
  });
  const source = Object.assign(
    listing((good) => good),
    {
      resolve: async () => {
        throw denied;
      },
    },
  );
  await expect(verify(source)).rejects.toMatchObject({
    code: 'SIGNATURE_MISSING',
    message: `registry.example/core:1.0.0 (${subject.descriptor.digest}) is not signed (sha256-abc.sig may not be read)`,
  });
});
