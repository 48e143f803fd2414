import { expect, test } from 'vitest';

import { type ReadingOptions, mediaTypes, parseManifest } from './index.js';

const digest = `sha256:${'a'.repeat(64)}`;
const layer = { mediaType: mediaTypes.layerTarGzip, digest, size: 3 };
const image = { schemaVersion: 2, mediaType: mediaTypes.imageManifest, layers: [layer] };
const child = { mediaType: mediaTypes.imageManifest, digest, size: 3 };
const index = { schemaVersion: 2, mediaType: mediaTypes.imageIndex, manifests: [child] };

function read(
  document: unknown,
  reading: ReadingOptions = { lenient: true },
  servedAs?: string,
): unknown {
  const text = typeof document === 'string' ? document : JSON.stringify(document);
  return parseManifest(new TextEncoder().encode(text), servedAs, reading).document;
}

test.each([
  ['an annotation that is no text', { ...image, annotations: { good: 'x', bad: 1 } }],
  ['annotations that are a list', { ...image, annotations: ['x'] }],
  ['a layer with a wrong URL', { ...image, layers: [{ ...layer, urls: ['nowhere'] }] }],
  ['half a platform', { ...index, manifests: [{ ...child, platform: { os: 'linux' } }] }],
  ['an artifact type that is none', { ...image, artifactType: 'no type' }],
])('%s is left out when asked for, and refused otherwise', (_, document) => {
  const ignored: string[] = [];
  const onIgnored = (reason: string): void => void ignored.push(reason);
  expect(() => read(document, {})).toThrow(expect.objectContaining({ code: 'DOCUMENT_INVALID' }));
  const text = JSON.stringify(read(document, { lenient: true, onIgnored }));
  expect(text).toContain(digest);
  expect(text).not.toMatch(/"bad"|nowhere|"platform"|no type/);
  expect(ignored).toHaveLength(1);
});

test('what is right beside something wrong stays', () => {
  expect(read({ ...image, annotations: { good: 'x', bad: 1 } })).toMatchObject({
    annotations: { good: 'x' },
  });
});

test.each([
  ['a layer without a digest', { ...image, layers: [{ ...layer, digest: 'x' }] }],
  ['layers that are no list', { ...image, layers: 'x' }],
  ['a config without a size', { ...image, config: { ...layer, size: undefined } }],
  ['a subject that is none', { ...image, subject: { digest: 'x' } }],
  ['manifest and index at once (CVE-2021-41190)', { ...image, manifests: [child] }],
  ['another schema', { ...image, schemaVersion: 3 }],
  ['more that is wrong than is worth a look', { ...image, annotations: numbers(21) }],
])('%s is refused all the same', (_, document) => {
  expect(() => read(document)).toThrow(expect.objectContaining({ code: 'DOCUMENT_INVALID' }));
});

test('duplicate names and a wrong content type are taken', () => {
  const text = JSON.stringify(image).replace('{', '{"schemaVersion":1,');
  expect(() => read(text, {})).toThrow(/twice/);
  expect(read(text)).toMatchObject({ layers: [layer] });
  expect(() => read(image, {}, mediaTypes.dockerManifest)).toThrow(/served as/);
  expect(read(image, { lenient: true }, mediaTypes.dockerManifest)).toMatchObject(image);
});

function numbers(count: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: count }, (_, at) => [`key${at}`, at]));
}
