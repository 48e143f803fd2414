import { execFileSync } from 'node:child_process';
import { link, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { openOwnFile, readNote, readNoteAtOnce, refuseDirectory, writeNote } from './index.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'oci-own-'));
  await writeFile(at('outside'), 'precious');
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const at = (name: string): string => join(directory, name);

/** POSIX. */
const pipeMaker = 'mkfifo';

const plants: Record<string, () => unknown> = {
  'a symbolic link': () => symlink(at('outside'), at('file')),
  'a link to nothing': () => symlink(at('missing'), at('file')),
  'a hard link': () => link(at('outside'), at('file')),
  'a pipe': () => execFileSync(pipeMaker, [at('file')]),
};

describe('openOwnFile', () => {
  it('opens what is there, and makes what is missing', async () => {
    for (const text of ['', 'ab']) {
      const file = await openOwnFile(at('file'));
      expect(await file.readFile('utf8')).toBe(text);
      await file.write('ab', 0);
      await file.close();
    }
  });

  it.each(Object.entries(plants))('replaces %s', async (_, plant) => {
    await plant();
    const file = await openOwnFile(at('file'));
    await file.write('new', 0);
    await file.close();
    expect(await readFile(at('file'), 'utf8')).toBe('new');
    expect(await readFile(at('outside'), 'utf8')).toBe('precious');
    expect(await readdir(directory)).toEqual(['file', 'outside']);
  });
});

describe('readNote', () => {
  it('reads what was written', async () => {
    await writeNote({ root: directory, path: at('file') }, 'text');
    expect(await readNote(at('file'))).toBe('text');
    expect(readNoteAtOnce(at('file'))).toBe('text');
    expect(await readNote(at('file'), 3)).toBeUndefined();
    expect(await readNote(at('missing'))).toBeUndefined();
  });

  const strange = {
    ...plants,
    'an endless device': () => symlink('/dev/zero', at('file')),
  };
  it.each(Object.entries(strange).filter(([what]) => what !== 'a hard link'))(
    'takes %s for a missing note',
    async (_, plant) => {
      await plant();
      expect(await readNote(at('file'))).toBeUndefined();
      expect(readNoteAtOnce(at('file'))).toBeUndefined();
    },
  );
});

describe('writeNote', () => {
  it('writes, appends, and makes the directories', async () => {
    const note = { root: directory, path: at('a/b/note') };
    await writeNote(note, 'one');
    await writeNote(note, 'two');
    await writeNote(note, 'three', { append: true });
    expect(await readFile(note.path, 'utf8')).toBe('twothree');
  });

  it.each([false, true])('replaces a link in its place (append: %s)', async (append) => {
    await symlink(at('outside'), at('note'));
    await writeNote({ root: directory, path: at('note') }, 'new', { append });
    expect(await readFile(at('note'), 'utf8')).toBe('new');
    expect(await readFile(at('outside'), 'utf8')).toBe('precious');
  });

  it('replaces a pipe that nobody reads, and does not wait for a reader', async () => {
    execFileSync(pipeMaker, [at('note')]);
    await writeNote({ root: directory, path: at('note') }, 'new');
    expect(await readFile(at('note'), 'utf8')).toBe('new');
  });

  it('writes nothing behind a directory that is a link', async () => {
    await symlink('.', at('a'));
    const writing = writeNote({ root: directory, path: at('a/note') }, 'new');
    await expect(writing).rejects.toMatchObject({ code: 'POLICY_REFUSED' });
    expect(await readdir(directory)).toEqual(['a', 'outside']);
  });
});

it('a directory in the place of a file is refused', async () => {
  await expect(refuseDirectory(directory)).rejects.toMatchObject({ code: 'USAGE' });
  await refuseDirectory(at('outside'));
  await refuseDirectory(at('missing'));
});
