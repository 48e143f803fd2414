import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { onStorage } from './storage-failure.js';

function system(program: string, ...args: readonly string[]): void {
  execFileSync(program, args, { stdio: 'ignore' });
}

function canMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  try {
    system('unshare', '--mount', 'mount', '-t', 'tmpfs', 'none', '/tmp');
    return true;
  } catch {
    return false;
  }
}

const isPossible = canMount();

describe.skipIf(!isPossible)(
  `a read-only file system${isPossible ? '' : ' (needs the right to mount)'}`,
  () => {
    test('denies to make a directory, however deep, and does not call it missing', async () => {
      const root = mkdtempSync(join(tmpdir(), 'oci-read-only-'));
      system('mount', '-t', 'tmpfs', '-o', 'ro', 'none', root);
      try {
        for (const path of [join(root, 'a'), join(root, 'a/b/c')]) {
          const made = onStorage({ path }, () => mkdir(path, { recursive: true }));
          await expect(made).rejects.toMatchObject({
            code: 'STORAGE_DENIED',
            message: `${path} can not be written (EROFS)`,
          });
        }
      } finally {
        system('umount', root);
        rmSync(root, { recursive: true });
      }
    });
  },
);

test('a directory that is missing for another reason stays missing', async () => {
  const root = mkdtempSync(join(tmpdir(), 'oci-missing-'));
  const path = join(root, 'a/b');
  await expect(onStorage({ path }, () => mkdir(path))).rejects.toMatchObject({
    code: 'STORAGE_FAILED',
  });
  rmSync(root, { recursive: true });
});

test('a path that leads through a file, or to one, is said to, without the name that was made aside', async () => {
  const root = mkdtempSync(join(tmpdir(), 'oci-file-'));
  const file = join(root, 'file');
  writeFileSync(file, '');
  const through = join(file, 'x.tar');
  await expect(
    onStorage({ path: through }, () => writeFile(`${through}.partial`, '')),
  ).rejects.toMatchObject({
    code: 'STORAGE_FAILED',
    message: `${through}: a part of the path is a file, not a directory (ENOTDIR)`,
    hint: expect.any(String),
  });
  await expect(
    onStorage({ path: file }, () => mkdir(file, { recursive: true })),
  ).rejects.toMatchObject({
    message: `${file}: there is a file in the place of a directory (EEXIST)`,
  });
  rmSync(root, { recursive: true });
});
