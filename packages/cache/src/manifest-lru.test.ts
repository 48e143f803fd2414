import {
  type ResolvedManifest,
  mediaTypes,
  parseRegistryHost,
  parseRepositoryName,
} from '@oci/spec-types';
import { digestOf, verifyManifest } from '@oci/spec-types/node';
import { bytesOf } from '@oci/testing';
import { expect, test } from 'vitest';

import { type ManifestKey, ManifestLru } from './manifest-lru.js';

const manifest = resolved();

function resolved(): ResolvedManifest {
  const bytes = bytesOf(
    JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.imageIndex, manifests: [] }),
  );
  const size = bytes.byteLength;
  return verifyManifest(bytes, { mediaType: mediaTypes.imageIndex, digest: digestOf(bytes), size });
}

function key(reference: string, repository = 'kcl/demo', registry = 'localhost:5000'): ManifestKey {
  return {
    registry: parseRegistryHost(registry),
    repository: parseRepositoryName(repository),
    reference,
  };
}

test('holds 100 manifests, and lets the one go that was not used for longest', () => {
  const lru = new ManifestLru();
  for (let i = 0; i < 100; i++) lru.set(key(`1.0.${i}`), manifest);
  lru.get(key('1.0.0'));
  lru.set(key('2.0.0'), manifest);
  expect(lru.stats).toEqual({
    hits: 1,
    misses: 0,
    evictions: 1,
    size: 100,
    bytes: manifest.bytes.byteLength * 100,
  });
  expect(lru.get(key('1.0.0'))).toBe(manifest);
  expect(lru.get(key('1.0.1'))).toBeUndefined();
  expect(lru.stats).toEqual({
    hits: 2,
    misses: 1,
    evictions: 1,
    size: 100,
    bytes: manifest.bytes.byteLength * 100,
  });
});

test('holds no more bytes than it may', () => {
  const lru = new ManifestLru({ maxBytes: manifest.bytes.byteLength * 2 });
  for (const tag of ['1', '2', '3']) lru.set(key(tag), manifest);
  expect(lru.stats).toMatchObject({ size: 2, evictions: 1 });
});

test('tells registries, repositories and references apart', () => {
  const lru = new ManifestLru();
  lru.set(key('1'), manifest);
  expect(lru.get(key('1', 'kcl/demo', 'localhost:5001'))).toBeUndefined();
  expect(lru.get(key('1', 'kcl/other'))).toBeUndefined();
  expect(lru.get(key('2'))).toBeUndefined();
});

test('forgets everything when it is cleared', () => {
  const lru = new ManifestLru();
  lru.set(key('1'), manifest);
  lru.clear();
  expect(lru.get(key('1'))).toBeUndefined();
  expect(lru.stats).toMatchObject({ size: 0, evictions: 0 });
});
