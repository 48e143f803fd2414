import { appendFile, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { digestOf } from '@oci/spec-types/node';
import { bytesOf, temporaryDirectory } from '@oci/testing';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';

import { Journal, parseSpans } from './journal.js';

const blob = { mediaType: 'a/b', digest: digestOf(bytesOf('x')), size: 1000 };

test('remembers what was noted, in the next process too', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'journal');
  const first = await Journal.open(path, blob);
  await first.note({ start: 0, end: 100 });
  await first.note({ start: 500, end: 600 });
  await first.close();
  const second = await Journal.open(path, blob);
  expect(second.spans.gaps(1000)).toEqual([
    { start: 100, end: 500 },
    { start: 600, end: 1000 },
  ]);
  await second.close();
});

test('takes a line that was cut for none, and writes on behind the last whole one', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'journal');
  const first = await Journal.open(path, blob);
  await first.note({ start: 0, end: 100 });
  await first.close();
  await appendFile(path, '100 20');
  const second = await Journal.open(path, blob);
  expect(second.spans.prefix).toBe(100);
  await second.note({ start: 200, end: 300 });
  await second.close();
  const third = await Journal.open(path, blob);
  expect(third.spans.size).toBe(200);
  await third.close();
});

test('has a line for each span, however often something was noted', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'journal');
  const first = await Journal.open(path, blob);
  for (let at = 0; at < 500; at += 5) await first.note({ start: at, end: at + 5 });
  await first.close();
  await appendFile(path, 'what is this\n900 1000\n');
  const second = await Journal.open(path, blob);
  await second.note({ start: 500, end: 505 });
  await second.close();
  expect((await readFile(path, 'utf8')).split('\n').slice(1)).toEqual(['0 500', '500 505', '']);
});

test.each([
  [
    'another blob',
    `${JSON.stringify({ version: 1, digest: digestOf(bytesOf('y')), size: 1000 })}\n0 1000\n`,
  ],
  ['another size', `${JSON.stringify({ version: 1, digest: blob.digest, size: 999 })}\n0 999\n`],
  ['nobody', 'garbage\n0 1000\n'],
  ['a process that had no time', '{"version":1,"dig'],
])('begins anew where the journal is of %s', async (_, text) => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'journal');
  await writeFile(path, text);
  const journal = await Journal.open(path, blob);
  expect(journal.spans.size).toBe(0);
  await journal.note({ start: 0, end: 1 });
  await journal.close();
  expect(await readFile(path, 'utf8')).toContain(blob.digest);
});

test('believes no span that can not be', () => {
  expect(parseSpans('0 10\n5 5\n20 30\n', 100)).toEqual([{ start: 0, end: 10 }]);
  fc.assert(
    fc.property(fc.string(), (text) => {
      const spans = parseSpans(text, 100);
      expect(spans.every(({ start, end }) => start < end && end <= 100)).toBe(true);
    }),
  );
});

test('is made for the first that is noted, and leaves nothing when all came before', async () => {
  await using directory = await temporaryDirectory();
  const journal = await Journal.open(join(directory.path, 'journal'), blob);
  await journal.note({ start: 0, end: 1000 });
  expect(await readdir(directory.path)).toEqual([]);
  await journal.remove();
  expect(await readdir(directory.path)).toEqual([]);
});

test('of a large blob is never more than two mebibytes behind', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'journal');
  const mebibyte = 1024 * 1024;
  const large = { ...blob, size: 40 * mebibyte };
  const journal = await Journal.open(path, large);
  const step = 128 * 1024;
  for (let at = 0; at < large.size; at += step) {
    await journal.note({ start: at, end: at + step });
    const noted = await Journal.open(path, large);
    expect(at + step - noted.spans.size).toBeLessThanOrEqual(2 * mebibyte);
  }
  await journal.close();
  expect((await Journal.open(path, large)).spans.size).toBe(large.size);
});

test('notes what is little too, after a moment', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'journal');
  const journal = await Journal.open(path, blob);
  await journal.note({ start: 0, end: 7 });
  await vi.waitFor(async () => expect((await Journal.open(path, blob)).spans.size).toBe(7), {
    timeout: 20_000,
  });
  await journal.close();
});

test('says with the next span that one could not be noted', async () => {
  await using directory = await temporaryDirectory();
  const large = { ...blob, size: 2 ** 40 };
  const journal = await Journal.open(join(directory.path, 'missing', 'journal'), large);
  const noteAll = async (): Promise<void> => {
    for (let at = 0; at < 2 ** 30; at += 2 ** 20)
      await journal.note({ start: at, end: at + 2 ** 20 });
  };
  await expect(noteAll()).rejects.toMatchObject({ code: 'ENOENT' });
  await journal.close();
});
