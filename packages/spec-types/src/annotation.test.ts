import { expect, test } from 'vitest';

import { texts } from '../test-vectors.js';
import { annotations, isRefName } from './index.js';

test.each(texts('ref-name-valid'))('%j is a ref.name', (text) => {
  expect(isRefName(text)).toBe(true);
});

test.each(texts('ref-name-invalid'))('%j is no ref.name', (text) => {
  expect(isRefName(text)).toBe(false);
});

test('every predefined key is in the namespace of image-spec, once', () => {
  const keys = Object.values(annotations);
  expect(keys).toHaveLength(14);
  expect(new Set(keys).size).toBe(keys.length);
  for (const key of keys) expect(key).toMatch(/^org\.opencontainers\.image\.[a-z.]+$/);
});
