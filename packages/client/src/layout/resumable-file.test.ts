import { mkdir, readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { ownProcess } from '@oci/files';
import { digestOf } from '@oci/spec-types/node';
import { bytesOf, temporaryDirectory } from '@oci/testing';
import { expect, test } from 'vitest';

import { dropAbandoned, withResumable } from './resumable-file.js';

const digest = digestOf(bytesOf('content'));

test('one at a time has a file, and it is free again afterwards', async () => {
  await using directory = await temporaryDirectory();
  const paths: string[] = [];
  const take = (work: () => Promise<void> = async () => {}): Promise<boolean> =>
    withResumable(directory.path, digest, async (path) => {
      paths.push(path);
      await work();
    });
  const first = take(async () => {
    expect(await take()).toBe(false);
  });
  expect(await first).toBe(true);
  await expect(take(() => Promise.reject(new Error('it broke off')))).rejects.toThrow(
    'it broke off',
  );
  expect(await take()).toBe(true);
  expect(new Set(paths).size).toBe(1);
  expect(await readdir(directory.path)).toEqual([]);
});

test('what a dead process had is free, and what one of another machine has is not', async () => {
  await using directory = await temporaryDirectory();
  const take = (): Promise<boolean> => withResumable(directory.path, digest, async () => {});
  const lock = join(directory.path, `sha256-${digest.slice('sha256:'.length)}.lock`);
  await mkdir(lock);
  await writeFile(join(lock, '1'), `${process.pid} elsewhere`);
  expect(await take()).toBe(false);
  await writeFile(join(lock, '1'), ownProcess.replace(/^\d+/, String(2 ** 30)));
  expect(await take()).toBe(true);
  // In a container each process may have the same number, and one that was killed may not have written it yet.
  for (const holder of [ownProcess, '']) {
    await mkdir(lock);
    await writeFile(join(lock, '1'), holder);
    expect(await take()).toBe(false);
    const before = new Date(performance.timeOrigin - 61_000);
    await utimes(join(lock, '1'), before, before);
    expect(await take()).toBe(true);
  }
});

test('what nobody went on with for a week is dropped, a lock too', async () => {
  await using directory = await temporaryDirectory();
  const at = (name: string): string => join(directory.path, name);
  await mkdir(at('a.lock'));
  await writeFile(at('a.lock/1'), '');
  for (const name of ['a.partial', 'b.partial']) await writeFile(at(name), '');
  const { mtimeMs } = await stat(at('b.partial'));
  const longAgo = (mtimeMs - 8 * 24 * 60 * 60_000) / 1000;
  for (const name of ['a.lock', 'a.partial']) await utimes(at(name), longAgo, longAgo);
  await dropAbandoned(directory.path, mtimeMs);
  expect(await readdir(directory.path)).toEqual(['b.partial']);
});
