import { readFile, readdir, truncate } from 'node:fs/promises';
import { join } from 'node:path';

import { digestOf } from '@oci/spec-types/node';
import { type TemporaryDirectory, randomBytes, temporaryDirectory } from '@oci/testing';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { PartialFile } from './partial-file.js';

const bytes = randomBytes(130, 100);
const blob = { mediaType: 'a/b', digest: digestOf(bytes), size: bytes.byteLength };

let work: TemporaryDirectory;
let path: string;

beforeEach(async () => {
  work = await temporaryDirectory();
  path = join(work.path, 'blob');
});
afterEach(() => work.remove());

test('is verified with its last byte, in whatever order and pieces it is written', async () => {
  const span = fc.tuple(fc.nat({ max: 100 }), fc.nat({ max: 100 }));
  await fc.assert(
    fc.asyncProperty(fc.array(span, { maxLength: 10 }), async (spans) => {
      const file = await PartialFile.open(path, blob);
      const writes = [...spans, [0, 100] as const].map(([a, b]) => {
        const [start, end] = [Math.min(a, b), Math.max(a, b)];
        return file.write(start, [bytes.subarray(start, end)]);
      });
      await Promise.all(writes);
      await file.verify();
      await file.complete();
      expect(digestOf(await readFile(path))).toBe(blob.digest);
      expect(await readdir(work.path)).toEqual(['blob']);
    }),
    { numRuns: 40 },
  );
});

test('a byte that is there is never written again: what was hashed is what the file holds', async () => {
  const file = await PartialFile.open(path, blob);
  await file.write(40, [bytes.subarray(40, 60)]);
  const wrong = Buffer.from(bytes);
  wrong.fill(0, 40, 60);
  await file.write(0, [wrong.subarray(0, 50), wrong.subarray(50)]);
  await file.verify();
  await file.complete();
  expect(digestOf(await readFile(path))).toBe(blob.digest);
});

test('wrong bytes are noticed, put aside, and begun anew', async () => {
  const file = await PartialFile.open(path, blob);
  await file.write(0, [randomBytes(131, 100)]);
  await expect(file.verify()).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  await file.close();
  await file.quarantine();
  expect(await readdir(work.path)).toEqual(['blob.wrong']);
  const again = await PartialFile.open(path, blob);
  expect(again.done).toBe(0);
  await again.write(0, [bytes]);
  await again.verify();
  await again.complete();
  expect(await readdir(work.path)).toEqual(['blob']);
});

test('a file that something else cuts meanwhile is not passed for whole', async () => {
  const file = await PartialFile.open(path, blob);
  await file.write(0, [bytes]);
  await truncate(`${path}.partial`, 50);
  await expect(file.verify()).rejects.toMatchObject({ code: 'SIZE_MISMATCH' });
  await file.close();
});
