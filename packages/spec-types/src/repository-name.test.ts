import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { texts } from '../test-vectors.js';
import { isRepositoryName, parseRepositoryName } from './index.js';

test.each(texts('repository-name-valid'))('%j is a repository name', (text) => {
  expect(isRepositoryName(text)).toBe(true);
  expect(parseRepositoryName(text)).toBe(text);
});

test.each(texts('repository-name-invalid'))('%j is no repository name', (text) => {
  expect(isRepositoryName(text)).toBe(false);
  expect(() => parseRepositoryName(text)).toThrow(
    expect.objectContaining({ code: 'REFERENCE_INVALID' }),
  );
});

test('a name has no component that means another place in a file system', () => {
  const text = fc.string({ unit: fc.constantFrom(...'aA0./\\_-% \0\n'.split('')), maxLength: 20 });
  fc.assert(
    fc.property(text, (candidate) => {
      if (!isRepositoryName(candidate)) return;
      for (const component of candidate.split('/')) expect(component).toMatch(/^[a-z0-9]/);
    }),
  );
});
