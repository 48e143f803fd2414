import {
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  realpath,
  rename,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';

import {
  TemporaryFiles,
  makeDirectoryBelow,
  refuseLinks,
  shownPath,
  withDirectoryBelow,
  withFileLock,
} from './index.js';

let directory: string;
beforeEach(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), 'oci-below-')));
  await mkdir(at('outside'));
  await mkdir(at('root'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const at = (name: string): string => join(directory, name);
const refused = { code: 'POLICY_REFUSED' };

describe('a directory below a root', () => {
  it('is made with those on the way, and the root may be a link', async () => {
    await symlink('root', at('link'));
    await makeDirectoryBelow(at('link'), 'a/b');
    await withDirectoryBelow(at('link'), 'c/d', async (path) => writeFile(join(path, 'f'), 'x'));
    expect(await readdir(at('root/a'))).toEqual(['b']);
    expect(await readFile(at('root/c/d/f'), 'utf8')).toBe('x');
  });

  it.each(['a', 'a/b'])('is refused where %s is a link, wherever that leads', async (link) => {
    for (const target of [at('outside'), at('root'), 'missing']) {
      await rm(at('root'), { recursive: true });
      await mkdir(join(at('root'), link, '..'), { recursive: true });
      await symlink(target, join(at('root'), link));
      expect(() => refuseLinks(at('root'), at('root/a/b/c/f'))).toThrow('is a symbolic link');
      await expect(makeDirectoryBelow(at('root'), 'a/b/c')).rejects.toMatchObject(refused);
      const used = withDirectoryBelow(at('root'), 'a/b/c', async () => {});
      await expect(used).rejects.toMatchObject({
        ...refused,
        message: expect.stringContaining(join(at('root'), link)),
      });
    }
    expect(await readdir(at('outside'))).toEqual([]);
  });

  it('is named by its path where a lock in it is a link', async () => {
    await withDirectoryBelow(at('root'), 'a', async (path) => {
      await symlink(at('outside'), join(path, 'f.lock'));
      const locked = withFileLock(join(path, 'f.lock'), async () => {});
      await expect(locked).rejects.toMatchObject({
        ...refused,
        message: expect.stringContaining(`${at('root/a/f.lock')} is a symbolic link`),
      });
    });
    expect(await readdir(at('outside'))).toEqual([]);
  });

  it.runIf(process.platform === 'linux')(
    'stays the same directory when a link takes its place',
    async () => {
      await withDirectoryBelow(at('root'), 'a', async (path) => {
        await rename(at('root/a'), at('moved'));
        await symlink(at('outside'), at('root/a'));
        await writeFile(join(path, 'f'), 'x');
        expect(shownPath(join(path, 'f'))).toBe(at('moved/f'));
      });
      expect(await readdir(at('moved'))).toEqual(['f']);
      expect(await readdir(at('outside'))).toEqual([]);
    },
  );
});

test('a path below a file has no link on the way', async () => {
  await writeFile(at('root/file'), '');
  expect(() => refuseLinks(at('root'), at('root/file/below/it'))).not.toThrow();
});

describe('a directory that is a link', () => {
  it('holds no temporary files, and none that is old is removed behind it', async () => {
    await writeFile(at('outside/1-old'), '');
    await utimes(at('outside/1-old'), 1, 1);
    await symlink(at('outside'), at('root/.tmp'));
    const temporary = new TemporaryFiles(at('root/.tmp'));
    await expect(temporary.create()).rejects.toMatchObject(refused);
    await expect(temporary.reclaim()).rejects.toMatchObject(refused);
    expect(await readdir(at('outside'))).toEqual(['1-old']);
  });

  it('is no lock', async () => {
    await symlink(at('outside'), at('root/lock'));
    await expect(withFileLock(at('root/lock'), async () => {})).rejects.toMatchObject(refused);
    expect(await readdir(at('outside'))).toEqual([]);
  });
});
