import { appendFile, chmod, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { temporaryDirectory } from '@oci/testing';
import { describe, expect, it } from 'vitest';

import { StatSnapshot } from './stat-snapshot.js';

const yes = (): boolean => true;

describe('a stat snapshot', () => {
  it('is current as long as nobody touches it', async () => {
    await using work = await temporaryDirectory('oci-snapshot-');
    const path = join(work.path, 'file');
    await writeFile(path, 'content');
    const snapshot = StatSnapshot.take([path], yes);
    expect(snapshot?.isCurrent()).toBe(true);
    expect(snapshot?.isCurrent()).toBe(true);
  });

  it.each<[string, (path: string) => Promise<unknown>]>([
    ['it is gone', (path) => rm(path)],
    ['it grew', (path) => appendFile(path, 'more')],
    [
      'it was written over, and its time set back',
      async (path) => {
        await writeFile(path, 'another');
        await utimes(path, 1, 1);
      },
    ],
    [
      'another file took its place',
      async (path) => {
        await writeFile(`${path}.new`, 'content');
        await utimes(`${path}.new`, 1, 1);
        await rename(`${path}.new`, path);
      },
    ],
    ['its mode changed', (path) => chmod(path, 0o400)],
  ])('is not when %s', async (_, touch) => {
    await using work = await temporaryDirectory('oci-snapshot-');
    const path = join(work.path, 'file');
    await writeFile(path, 'content');
    await utimes(path, 1, 1);
    const snapshot = StatSnapshot.take([path], yes);
    await touch(path);
    expect(snapshot?.isCurrent()).toBe(false);
  });

  it('is none where one of the files is missing, and current only while the use is noted', async () => {
    await using work = await temporaryDirectory('oci-snapshot-');
    const path = join(work.path, 'file');
    await writeFile(path, 'content');
    expect(StatSnapshot.take([path, join(work.path, 'missing')], yes)).toBeUndefined();
    expect(StatSnapshot.take([path, join(path, 'below')], yes)).toBeUndefined();
    let isNoted = true;
    const snapshot = StatSnapshot.take([path], () => isNoted);
    isNoted = false;
    expect(snapshot?.isCurrent()).toBe(false);
  });
});
