import type * as files from 'node:fs/promises';
import { readdir } from 'node:fs/promises';
import { setImmediate as endOfTurn } from 'node:timers/promises';

import { temporaryDirectory } from '@oci/testing';
import { beforeEach, expect, test, vi } from 'vitest';

import { DirectoryNames } from './directory-names.js';
import { createFileObjectStore } from './file-object-store.js';
import { keysBelow } from './key-walk.js';

vi.mock('node:fs/promises', async (original) => {
  const actual = await original<typeof files>();
  return { ...actual, readdir: vi.fn<typeof actual.readdir>(actual.readdir) };
});

beforeEach(() => {
  vi.mocked(readdir).mockClear();
});

/** Directories that are read only when a test says so. */
function heldNames({ isExclusive }: { isExclusive: boolean }) {
  const files = new Set<string>();
  const waiting: (() => void)[] = [];
  const walks: string[] = [];
  const names = new DirectoryNames(
    async (directory) => {
      walks.push(directory);
      // What is found is what is there at the beginning: the worst case.
      const found = [...files];
      await new Promise<void>((resolve) => waiting.push(resolve));
      return found;
    },
    { isExclusive },
  );
  return {
    names,
    walks,
    write: (name: string) => names.changing(`a/${name}`, async () => void files.add(name)),
    /** Ends walks until none has been begun. */
    async release(): Promise<void> {
      for (;;) {
        for (let turn = 0; turn < 5; turn += 1) await endOfTurn();
        if (waiting.length === 0) return;
        for (const end of waiting.splice(0)) end();
      }
    },
    async begun(): Promise<void> {
      for (let turn = 0; turn < 5; turn += 1) await endOfTurn();
    },
  };
}

test.each([
  { isExclusive: true, walked: 1, again: 1 },
  { isExclusive: false, walked: 1, again: 2 },
])('reads a directory once for all who ask at once: %o', async ({ isExclusive, walked, again }) => {
  const held = heldNames({ isExclusive });
  await held.write('x');
  const asked = Array.from({ length: 64 }, () => held.names.in('a/'));
  await held.release();
  for (const names of await Promise.all(asked)) expect(names).toEqual(['x']);
  expect(held.walks).toHaveLength(walked);
  const later = held.names.in('a/');
  await held.release();
  expect(await later).toEqual(['x']);
  expect(held.walks).toHaveLength(again);
});

test.each([{ isExclusive: true }, { isExclusive: false }])(
  'shows what was written before it was asked, though a walk began before: %o',
  async (options) => {
    const held = heldNames(options);
    const before = held.names.in('a/');
    await held.begun();
    await held.write('x');
    const behind = [held.names.in('a/'), held.names.in('a/')];
    await held.begun();
    expect(held.walks).toEqual(['a/']);
    await held.release();
    expect(await before).toEqual([]);
    expect(await Promise.all(behind)).toEqual([['x'], ['x']]);
    expect(held.walks).toEqual(['a/', 'a/']);
    const later = held.names.in('a/');
    await held.release();
    expect(await later).toEqual(['x']);
  },
);

test('keeps nothing of a walk that another change comes into', async () => {
  const held = heldNames({ isExclusive: true });
  let end = (): void => {};
  const change = held.names.changing('a/y', () => new Promise<void>((resolve) => (end = resolve)));
  const during = held.names.in('a/');
  await held.release();
  await during;
  const again = held.names.in('a/');
  await held.release();
  await again;
  expect(held.walks).toHaveLength(2);
  end();
  await change;
});

test('walks at most four directories at a time, and none that nobody waits for any more', async () => {
  const held = heldNames({ isExclusive: true });
  const callers = Array.from({ length: 100 }, () => new AbortController());
  const asked = callers.map(({ signal }, at) => held.names.in(`${at}/`, { signal }));
  const ends = Promise.allSettled(asked);
  await held.begun();
  expect(held.walks).toHaveLength(4);
  for (const caller of callers) caller.abort();
  for (const end of await ends)
    expect(end).toMatchObject({ status: 'rejected', reason: { code: 'ABORTED' } });
  await held.release();
  expect(held.walks).toHaveLength(4);
});

test('keeps a bounded number of bytes of names', async () => {
  const large = Array.from({ length: 200_000 }, (_, at) => `${at}`.padStart(50, '0'));
  const walks: string[] = [];
  const read = async (directory: string): Promise<string[]> => {
    walks.push(directory);
    return [...large];
  };
  const names = new DirectoryNames(read, { isExclusive: true });
  for (const directory of ['a/', 'b/', 'c/', 'c/', 'a/']) await names.in(directory);
  expect(walks).toEqual(['a/', 'b/', 'c/', 'a/']);
});

test.each([
  ['a/', ['a/a', 'a/b/1', 'a/b/2', 'a/c']],
  ['a/b/', ['a/b/1', 'a/b/2', 'a/c']],
  ['a/b/1', ['a/b/2', 'a/c']],
  ['a/b/3', ['a/c']],
  ['a/bb', ['a/c']],
  ['a/d', []],
  ['b', []],
])('begins behind %s', async (after, expected) => {
  const directories: Readonly<Record<string, readonly string[]>> = {
    'a/': ['c', 'b/', 'a'],
    'a/b/': ['2', '1'],
  };
  const names = new DirectoryNames(async (directory) => [...(directories[directory] ?? [])], {
    isExclusive: false,
  });
  const keys: string[] = [];
  for await (const key of keysBelow(names, 'a/', { prefix: 'a/', after })) keys.push(key);
  expect(keys).toEqual(expected);
});

test('a store of one process reads a directory again only when something of it has changed', async () => {
  await using directory = await temporaryDirectory();
  const store = createFileObjectStore(directory.path, { isExclusive: true, fsync: false });
  const content = async function* () {
    yield Buffer.from('x');
  };
  const list = async (): Promise<readonly string[]> => {
    const keys: string[] = [];
    for await (const key of store.list('a/')) keys.push(key);
    return keys;
  };
  const readsOf = async (work: () => Promise<unknown>): Promise<number> => {
    const before = vi.mocked(readdir).mock.calls.length;
    await work();
    return vi.mocked(readdir).mock.calls.length - before;
  };
  expect(await list()).toEqual([]);
  for (const key of ['a/1', 'a/2', 'b/1', 'a/new/1']) await store.put(key, content());
  expect(await list()).toEqual(['a/1', 'a/2', 'a/new/1']);
  expect(await readsOf(() => Promise.all([list(), list(), list()]))).toBe(0);
  await store.put('b/2', content());
  expect(await readsOf(list)).toBe(0);
  await store.put('a/0', content(), { condition: { ifAbsent: true } });
  expect(await list()).toEqual(['a/0', 'a/1', 'a/2', 'a/new/1']);
  await store.delete('a/1');
  expect(await list()).toEqual(['a/0', 'a/2', 'a/new/1']);
  const info = await store.head('a/2');
  expect(await store.deleteVersion('a/2', info?.version ?? '')).toBe(true);
  expect(await list()).toEqual(['a/0', 'a/new/1']);
  await store.join(['a/0', 'b/1'], 'a/joined');
  expect(await list()).toEqual(['a/joined', 'a/new/1']);
  await store.adopt(store.pathOf('a/joined'), 'a/new/2');
  await store.note('a/note', 'x');
  expect(await list()).toEqual(['a/new/1', 'a/new/2', 'a/note']);
});
