import { existsSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { temporaryDirectory } from './temporary-directory.js';

test('a temporary directory is gone with all that was in it', async () => {
  const directory = await temporaryDirectory();
  const protectedPath = join(directory.path, 'protected');
  await mkdir(protectedPath);
  await writeFile(join(protectedPath, 'file'), 'x');
  await chmod(protectedPath, 0o500);
  await directory.remove();
  expect(existsSync(directory.path)).toBe(false);
});

test('every temporary directory is another one', async () => {
  await using one = await temporaryDirectory();
  await using two = await temporaryDirectory();
  expect(one.path).not.toBe(two.path);
  expect(existsSync(one.path)).toBe(true);
});
