import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';

import { OciError } from '@oci/spec-types';
import { storageFailure } from '@oci/files';
import { temporaryDirectory } from '@oci/testing';
import { expect, test } from 'vitest';

import { withCacheHint } from './cache-hint.js';

function failure(code: string, path: string): unknown {
  return storageFailure(Object.assign(new Error(code), { code, syscall: 'open' }), { path });
}

test.each(['EACCES', 'EROFS', 'EPERM', 'ENOSPC'])(
  'a cache that cannot be written to is told with the option: %s',
  async (code) => {
    await using work = await temporaryDirectory();
    await mkdir(join(work.path, 'cache'));
    await symlink('cache', join(work.path, 'alias'));
    const alias = join(work.path, 'alias');
    for (const path of [alias, join(alias, 'refs/a'), join(work.path, 'cache', 'blobs')]) {
      const hint = expect.stringContaining('--cache-dir');
      expect(withCacheHint(failure(code, path), alias)).toMatchObject({ hint });
    }
  },
);

test('another directory, and another failure, keep their hints', async () => {
  await using work = await temporaryDirectory();
  const cache = join(work.path, 'cache');
  const errors = [
    failure('EACCES', `${cache}-of-another`),
    failure('EACCES', work.path),
    failure('EIO', join(cache, 'a')),
    new OciError('STORAGE_DENIED', `${cache} is named, and is not what failed`),
    new Error('of no kind'),
  ];
  for (const error of errors) expect(withCacheHint(error, cache)).toBe(error);
});
