import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { temporaryDirectory } from '@oci/testing';
import { expect, test } from 'vitest';

import { claimDirectory } from './directory-claim.js';

test('a directory is made, and of one server until it gives it back', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'a', 'b');
  const release = await claimDirectory(path);
  await expect(claimDirectory(path, { patienceMs: 0 })).rejects.toMatchObject({
    code: 'STORAGE_FAILED',
    message: `another server uses ${path}`,
    hint: expect.stringContaining('--data-dir'),
  });
  await release();
  await (
    await claimDirectory(path, { patienceMs: 0 })
  )();
});

test('a server that waits for another has the directory when that one ends', async () => {
  await using directory = await temporaryDirectory();
  const first = await claimDirectory(directory.path);
  let wait = (): void => {};
  const isWaiting = new Promise<void>((resolve) => (wait = resolve));
  const second = claimDirectory(directory.path, { patienceMs: 60_000, onWait: wait });
  await isWaiting;
  await first();
  const release = await second;
  await release();
  expect(await readdir(directory.path)).toEqual([]);
});

test.each(['a file', 'below a file'])('%s is refused with its path', async (place) => {
  await using directory = await temporaryDirectory();
  const file = join(directory.path, 'file');
  await writeFile(file, 'text');
  await mkdir(join(directory.path, 'other'));
  const path = place === 'a file' ? file : join(file, 'registry');
  await expect(claimDirectory(path)).rejects.toMatchObject({
    code: 'STORAGE_FAILED',
    message: expect.stringContaining(path),
    hint: expect.any(String),
  });
});
