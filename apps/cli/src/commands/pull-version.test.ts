import type { Candidates } from '@oci/extensions';
import type { ManifestInfo } from '@oci/manager';
import { kclPackage } from '@oci/testing';
import { expect, test } from 'vitest';

import { newestWithin } from './pull-version.js';

const { manifest: resolved } = kclPackage({ name: 'core', version: '1.0.0' });
const info: ManifestInfo = {
  schemaVersion: 2,
  mediaType: resolved.mediaType,
  digest: resolved.descriptor.digest,
  size: resolved.descriptor.size,
  layers: [],
  manifests: [],
  annotations: {},
  fromCache: false,
  resolved,
};
const list = async (): Promise<Candidates> => ({
  wanted: 'kcl',
  name: 'localhost/kcl/core',
  versions: ['1.0.0', '1.2.0', '1.10.0', '2.0.0'],
  manifest: async () => info,
});

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
  const empty = async () => ({ ...(await list()), versions: [] });
  await expect(newestWithin('^3', { name: 'core', list: empty })).rejects.toMatchObject({
    hint: 'It has none. See where it is looked for: ocictl config show',
  });
});

test('what is no range asks nobody', async () => {
  const unasked = async (): Promise<never> => Promise.reject(new Error('asked'));
  expect(await newestWithin('../1.0.0', { name: 'core', list: unasked })).toBe('../1.0.0');
});
