import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { digestOf } from '@oci/spec-types/node';
import { bytesOf, temporaryDirectory } from '@oci/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { Journal, journalPath, parseSpans } from './journal.js';

const blob = { mediaType: 'a/b', digest: digestOf(bytesOf('x')), size: 1000 };

test('remembers what was noted, in the next process too', async () => {
  await using directory = await temporaryDirectory();
  const partial = join(directory.path, 'partial');
  const first = await Journal.open(partial, blob);
  await first.note({ start: 0, end: 100 });
  await first.note({ start: 500, end: 600 });
  await first.close();
  const second = await Journal.open(partial, blob);
  expect(second.spans.gaps(1000)).toEqual([
    { start: 100, end: 500 },
    { start: 600, end: 1000 },
  ]);
  await second.close();
});

test('takes a line that was cut for none, and writes on behind the last whole one', async () => {
  await using directory = await temporaryDirectory();
  const partial = join(directory.path, 'partial');
  const first = await Journal.open(partial, blob);
  await first.note({ start: 0, end: 100 });
  await first.close();
  await appendFile(journalPath(partial), '100 20');
  const second = await Journal.open(partial, blob);
  expect(second.spans.prefix).toBe(100);
  await second.note({ start: 200, end: 300 });
  await second.close();
  const third = await Journal.open(partial, blob);
  expect(third.spans.size).toBe(200);
  await third.close();
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
  const partial = join(directory.path, 'partial');
  await writeFile(journalPath(partial), text);
  const journal = await Journal.open(partial, blob);
  expect(journal.spans.size).toBe(0);
  await journal.close();
  expect(await readFile(journalPath(partial), 'utf8')).toContain(blob.digest);
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
