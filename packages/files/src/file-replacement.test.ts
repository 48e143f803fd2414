import {
  mkdtemp,
  readFile,
  readdir,
  readlink,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { TemporaryFiles, createFile, replaceFile } from './index.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'oci-replace-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const at = (name: string): string => join(directory, name);

async function* failing(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('a part');
  await Promise.resolve();
  throw new Error('cut');
}

describe('replaceFile', () => {
  it('replaces the content and leaves nothing beside it', async () => {
    await writeFile(at('a'), 'old');
    for (const sync of [undefined, 'content', 'name'] as const) {
      await replaceFile(at('a'), `new ${sync}`, { mode: 0o600, sync });
      expect(await readFile(at('a'), 'utf8')).toBe(`new ${sync}`);
    }
    expect((await stat(at('a'))).mode & 0o777).toBe(0o600);
    expect(await readdir(directory)).toEqual(['a']);
  });

  it('replaces a link in its place and leaves alone what it leads to', async () => {
    await writeFile(at('outside'), 'precious');
    await symlink('outside', at('link'));
    await replaceFile(at('link'), 'new');
    expect(await readFile(at('outside'), 'utf8')).toBe('precious');
    await expect(readlink(at('link'))).rejects.toMatchObject({ code: 'EINVAL' });
  });

  it('leaves the old file, and nothing else, when the content fails', async () => {
    await writeFile(at('a'), 'old');
    await expect(replaceFile(at('a'), failing())).rejects.toThrow('cut');
    const writing = replaceFile(at('a'), async (temporary) => {
      await writeFile(temporary, 'a part');
      throw new Error('cut');
    });
    await expect(writing).rejects.toThrow('cut');
    expect(await readFile(at('a'), 'utf8')).toBe('old');
    expect(await readdir(directory)).toEqual(['a']);
  });

  it('takes a file that a function makes, and another directory to make it in', async () => {
    const temporaryFiles = new TemporaryFiles(at('.tmp'));
    let made = '';
    const write = (temporary: string): Promise<void> => {
      made = temporary;
      return writeFile(temporary, 'x');
    };
    await replaceFile(at('a'), write, { temporaryFiles, sync: 'name' });
    expect(made.startsWith(at('.tmp'))).toBe(true);
    expect(await readFile(at('a'), 'utf8')).toBe('x');
    expect(await readdir(at('.tmp'))).toEqual([]);
  });

  it('takes a name as long as the file system allows', async () => {
    for (const name of ['n'.repeat(255), 'ü'.repeat(127)]) {
      await replaceFile(at(name), 'x');
      expect(await readFile(at(name), 'utf8')).toBe('x');
    }
  });
});

describe('createFile', () => {
  it('writes over nothing, and through no link', async () => {
    await writeFile(at('file'), 'precious');
    await symlink('missing', at('link'));
    for (const name of ['file', 'link'])
      await expect(createFile(at(name), 'new')).rejects.toMatchObject({ code: 'EEXIST' });
    expect(await readFile(at('file'), 'utf8')).toBe('precious');
    expect(await readdir(directory)).toEqual(['file', 'link']);
  });

  it('removes what it could not write whole', async () => {
    await expect(createFile(at('a'), failing())).rejects.toThrow('cut');
    expect(await readdir(directory)).toEqual([]);
  });
});
