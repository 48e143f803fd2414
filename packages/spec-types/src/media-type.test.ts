import { describe, expect, test } from 'vitest';

import { texts, vectors } from '../test-vectors.js';
import {
  isImageManifestMediaType,
  isIndexMediaType,
  isManifestMediaType,
  isMediaType,
  manifestMediaTypes,
  mediaTypes,
  parseContentType,
} from './index.js';

test.each(texts('media-type-valid'))('%j is a media type', (text) => {
  expect(isMediaType(text)).toBe(true);
});

test.each(texts('media-type-invalid'))('%j is no media type', (text) => {
  expect(isMediaType(text)).toBe(false);
});

test.each(vectors('content-type-valid'))('the content type %j is %s', (value, mediaType) => {
  expect(parseContentType(value ?? '')).toBe(mediaType);
});

test.each(texts('content-type-invalid'))('%j is no content type', (value) => {
  expect(() => parseContentType(value)).toThrow(
    expect.objectContaining({ code: 'DOCUMENT_INVALID' }),
  );
});

describe('the known media types', () => {
  test('are media types, each under one name', () => {
    const all = Object.values(mediaTypes);
    expect(all.every(isMediaType)).toBe(true);
    expect(new Set(all).size).toBe(all.length);
  });

  test('of manifests are asked for, and each is of one kind', () => {
    expect(Object.values(mediaTypes).filter(isManifestMediaType)).toHaveLength(4);
    expect(manifestMediaTypes.filter(isManifestMediaType)).toHaveLength(4);
    for (const type of manifestMediaTypes) {
      expect(isIndexMediaType(type)).toBe(!isImageManifestMediaType(type));
    }
  });

  test('of schema 1 are not asked for', () => {
    expect(manifestMediaTypes).not.toContain(mediaTypes.dockerSchema1);
    expect(isManifestMediaType(mediaTypes.dockerSchema1Signed)).toBe(false);
  });
});
