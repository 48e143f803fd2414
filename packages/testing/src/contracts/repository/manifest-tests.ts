import { parseTag } from '@oci/spec-types';
import { describeManifest, digestOf } from '@oci/spec-types/node';
import { expect, test } from 'vitest';

import { helmChart } from '../../artifact/helm-chart.js';
import { imageIndex } from '../../artifact/image-index.js';
import { image } from '../../artifact/image.js';
import { bytesOf } from '../../bytes.js';
import type { MakeRepository } from '../repository-contract.js';
import { pushAll, readBlob, withRepository } from './with-repository.js';

const tag = parseTag('1.0.0');

export function manifestTests(make: MakeRepository): void {
  test(
    'resolves a manifest by tag and by digest',
    withRepository(make, async (repository) => {
      const artifact = image();
      await pushAll(repository, artifact, { tag });
      const { mediaType, digest, size } = artifact.manifest.descriptor;
      expect(await repository.resolve(tag)).toMatchObject({ mediaType, digest, size });
      expect(await repository.resolve(digest)).toMatchObject({ mediaType, digest, size });
    }),
  );

  test(
    'gives back manifest, config and layers as they were pushed',
    withRepository(make, async (repository) => {
      const artifact = image();
      await pushAll(repository, artifact, { tag });
      const fetched = await repository.fetchManifest(await repository.resolve(tag));
      expect(fetched.document).toEqual(artifact.manifest.document);
      for (const { descriptor, bytes } of artifact.blobs) {
        expect(digestOf(await readBlob(repository, descriptor))).toBe(digestOf(bytes));
      }
    }),
  );

  test(
    'keeps a manifest byte for byte',
    withRepository(make, async (repository) => {
      const artifact = image();
      const text = JSON.stringify(artifact.manifest.document, undefined, 3).replaceAll(
        'application/',
        'application\\/',
      );
      const manifest = describeManifest(bytesOf(`\n${text} \r\n`));
      await pushAll(repository, artifact);
      await repository.pushManifest(manifest, { tag });
      const fetched = await repository.fetchManifest(await repository.resolve(tag));
      expect(fetched.descriptor.digest).toBe(manifest.descriptor.digest);
      expect(digestOf(fetched.bytes)).toBe(digestOf(manifest.bytes));
    }),
  );

  test(
    'keeps a manifest without a tag',
    withRepository(make, async (repository) => {
      const { manifest, ...rest } = image();
      await pushAll(repository, { manifest, ...rest });
      expect(digestOf((await repository.fetchManifest(manifest.descriptor)).bytes)).toBe(
        digestOf(manifest.bytes),
      );
    }),
  );

  test(
    'knows the type of a manifest that does not say it',
    withRepository(make, async (repository) => {
      const chart = helmChart({ name: 'demo', version: '1.0.0' });
      await pushAll(repository, chart, { tag });
      const descriptor = await repository.resolve(tag);
      expect(descriptor.mediaType).toBe(chart.manifest.mediaType);
      expect((await repository.fetchManifest(descriptor)).mediaType).toBe(chart.manifest.mediaType);
    }),
  );

  for (const docker of [false, true]) {
    test(
      `keeps ${docker ? 'a Docker manifest list' : 'an index'} and the images in it`,
      withRepository(make, async (repository) => {
        const index = imageIndex({ docker });
        await pushAll(repository, index, { tag });
        const fetched = await repository.fetchManifest(await repository.resolve(tag));
        expect(fetched).toMatchObject({ kind: 'index', mediaType: index.manifest.mediaType });
        for (const { manifest } of index.children) {
          expect(digestOf((await repository.fetchManifest(manifest.descriptor)).bytes)).toBe(
            digestOf(manifest.bytes),
          );
        }
      }),
    );
  }

  test(
    'takes the same manifest twice',
    withRepository(make, async (repository) => {
      const artifact = image();
      await pushAll(repository, artifact, { tag });
      await pushAll(repository, artifact, { tag });
      expect(await repository.resolve(tag)).toMatchObject({
        digest: artifact.manifest.descriptor.digest,
      });
    }),
  );

  unknownManifestTests(make);
}

function unknownManifestTests(make: MakeRepository): void {
  const unknown = image({ architecture: 'riscv64' }).manifest.descriptor;

  test(
    'knows no manifest that was never pushed',
    withRepository(make, async (repository) => {
      await pushAll(repository, image(), { tag });
      const code = 'MANIFEST_UNKNOWN';
      await expect(repository.resolve(parseTag('2.0.0'))).rejects.toMatchObject({ code });
      await expect(repository.resolve(unknown.digest)).rejects.toMatchObject({ code });
      await expect(repository.fetchManifest(unknown)).rejects.toMatchObject({ code });
    }),
  );

  test(
    'knows no manifest while it is empty',
    withRepository(make, async (repository) => {
      const code: unknown = expect.stringMatching(/^(?:MANIFEST|NAME)_UNKNOWN$/);
      await expect(repository.resolve(tag)).rejects.toMatchObject({ code });
      await expect(repository.resolve(unknown.digest)).rejects.toMatchObject({ code });
      await expect(repository.fetchManifest(unknown)).rejects.toMatchObject({ code });
    }),
  );

  test(
    'notices that a manifest has another size than its descriptor says',
    withRepository(make, async (repository) => {
      const artifact = image();
      await pushAll(repository, artifact);
      const { descriptor } = artifact.manifest;
      for (const size of [descriptor.size - 1, descriptor.size + 1]) {
        await expect(repository.fetchManifest({ ...descriptor, size })).rejects.toMatchObject({
          code: 'SIZE_MISMATCH',
        });
      }
    }),
  );
}
