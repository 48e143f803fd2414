import { expect, test } from 'vitest';

import { cloudSource, loadLibrary } from './cloud-source.js';

test('a library that is not installed is told with how to install it', async () => {
  const missing = Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' });
  const source = cloudSource({
    name: 'A cloud',
    hint: 'Is there an identity?',
    hostOf: (registry) => registry,
    obtain: () => loadLibrary('@cloud/sdk', () => Promise.reject(missing)),
  });
  await expect(source('registry.cloud')).rejects.toMatchObject({
    code: 'USAGE',
    message: 'these credentials need @cloud/sdk, which is not installed',
    hint: 'Install it: npm install @cloud/sdk',
  });
});

test('a library that is broken is not called missing', async () => {
  const broken = new SyntaxError('Unexpected token');
  await expect(loadLibrary('@cloud/sdk', () => Promise.reject(broken))).rejects.toBe(broken);
});
