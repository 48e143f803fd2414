import { appendFile, chmod, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { temporaryDirectory } from '@oci/testing';
import { describe, expect, it } from 'vitest';

import { Evidence } from './evidence.js';

const yes = (): boolean => true;

describe('evidence of a file', () => {
  it('holds as long as nobody touches it', async () => {
    await using work = await temporaryDirectory('oci-evidence-');
    const path = join(work.path, 'file');
    await writeFile(path, 'content');
    const evidence = Evidence.of([path], yes);
    expect(evidence?.holds()).toBe(true);
    expect(evidence?.holds()).toBe(true);
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
  ])('does not when %s', async (_, touch) => {
    await using work = await temporaryDirectory('oci-evidence-');
    const path = join(work.path, 'file');
    await writeFile(path, 'content');
    await utimes(path, 1, 1);
    const evidence = Evidence.of([path], yes);
    await touch(path);
    expect(evidence?.holds()).toBe(false);
  });

  it('is none where one of the files is missing, and holds only while the use is noted', async () => {
    await using work = await temporaryDirectory('oci-evidence-');
    const path = join(work.path, 'file');
    await writeFile(path, 'content');
    expect(Evidence.of([path, join(work.path, 'missing')], yes)).toBeUndefined();
    expect(Evidence.of([path, join(path, 'below')], yes)).toBeUndefined();
    let isNoted = true;
    const evidence = Evidence.of([path], () => isNoted);
    isNoted = false;
    expect(evidence?.holds()).toBe(false);
  });
});
