import { createMemoryObjectStore } from '@oci/cache';
import { mediaTypes, parseDigest, parseRepositoryName } from '@oci/spec-types';
import { describeManifest } from '@oci/spec-types/node';
import { bytesOf } from '@oci/testing';
import { expect, test } from 'vitest';

import { createHostedRegistry } from '../hosted-registry.js';

const mostBytes = 1024 * 1024;

function descriptorOf(number: number) {
  const digest = parseDigest(`sha512:${String(number).padStart(128, '0')}`);
  return { mediaType: 'application/octet-stream', digest, size: 1 };
}

test('long findings are kept up to a size, so that the record of the task can be read', async () => {
  const registry = createHostedRegistry(createMemoryObjectStore());
  const name = parseRepositoryName('n'.repeat(255));
  const { imageManifest: mediaType } = mediaTypes;
  for (let at = 0; at < 400; at += 1) {
    const layers = Array.from({ length: 20 }, (_, layer) => descriptorOf(at * 100 + layer));
    const document = { schemaVersion: 2, mediaType, config: descriptorOf(at), layers };
    const manifest = describeManifest(bytesOf(JSON.stringify(document)));
    await registry.manifests.put(name, manifest, { tags: [], isSparse: true });
  }
  const report = await registry.verification.run({ settleMs: 0 });
  expect(report?.damaged).toBe(400);
  const { last } = await registry.verification.status();
  expect(last?.findings.length).toBeGreaterThan(200);
  expect(Buffer.byteLength(JSON.stringify(last?.findings))).toBeLessThan(mostBytes * 1.01);
  // Among findings that were not kept it is not known which were made again.
  expect((await registry.verification.run({ settleMs: 0 }))?.healed).toEqual([]);
});
