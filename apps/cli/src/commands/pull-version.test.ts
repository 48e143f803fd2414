import { expect, test } from 'vitest';

import { newestWithin } from './pull-version.js';

const list = async () => ['1.0.0', '1.2.0', '1.10.0', '2.0.0'];

test.each([
  ['^1', '1.10.0'],
  ['~1.2.0', '1.2.0'],
  ['>=1 <2', '1.10.0'],
])('%s takes %s', async (range, version) => {
  expect(await newestWithin(range, { name: 'core', list })).toBe(version);
});

test('a range that nothing is within is told with what there is', async () => {
  await expect(newestWithin('^3', { name: 'core', list })).rejects.toMatchObject({
    code: 'MANIFEST_UNKNOWN',
    message: 'no version of core is within ^3',
    hint: 'The newest are 1.0.0, 1.2.0, 1.10.0, 2.0.0.',
  });
});

test('a range of what has no version says where to look', async () => {
  await expect(newestWithin('^3', { name: 'core', list: async () => [] })).rejects.toMatchObject({
    hint: 'It has none. See where it is looked for: ocictl config show',
  });
});

test('what is no range asks nobody', async () => {
  const unasked = async (): Promise<never> => Promise.reject(new Error('asked'));
  expect(await newestWithin('../1.0.0', { name: 'core', list: unasked })).toBe('../1.0.0');
});
