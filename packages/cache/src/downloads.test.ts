import { mkdir, readFile, readdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import {
  type BlobDownloader,
  type CallOptions,
  type Descriptor,
  OciError,
  type TransferEvent,
  type VerifiedFile,
} from '@oci/spec-types';
import { shownPath } from '@oci/files';
import { digestOf } from '@oci/spec-types/node';
import {
  compile,
  inChunks,
  killAtOutput,
  randomBytes,
  run,
  temporaryDirectory,
} from '@oci/testing';
import { expect, test } from 'vitest';

import { openCache } from './cache.js';
import type { DownloadSource } from './downloads.js';

const bytes = randomBytes(1, 2_000_000);
const blob: Descriptor = {
  mediaType: 'application/octet-stream',
  digest: digestOf(bytes),
  size: bytes.byteLength,
};
const smallBytes = bytes.subarray(0, 1000);
const small = { ...blob, digest: digestOf(smallBytes), size: smallBytes.byteLength };

/** Streams only. */
function streams(content: Uint8Array, calls: string[] = []): DownloadSource {
  return {
    fetchBlob: async ({ digest }) => {
      calls.push(digest);
      return inChunks(content, 100);
    },
  };
}

/** A download to a file that can be watched. */
function files(download: BlobDownloader['downloadBlob']): DownloadSource {
  return { ...streams(bytes), downloadBlob: download };
}

async function wholeFile(descriptor: Descriptor, path: string): Promise<VerifiedFile> {
  await writeFile(path, bytes);
  return { descriptor, path, __brand: 'VerifiedFile' };
}

test('has a blob that is here without asking its source', async () => {
  await using directory = await temporaryDirectory();
  const cache = await openCache(directory.path);
  await cache.content.pushBlob(small, inChunks(smallBytes, 100));
  const calls: string[] = [];
  const stored = await cache.downloads.obtain(small, streams(smallBytes, calls));
  expect(digestOf(await readFile(stored.path))).toBe(small.digest);
  expect(calls).toEqual([]);
});

test('takes a file over that its source verified, by renaming it', async () => {
  await using directory = await temporaryDirectory();
  const cache = await openCache(directory.path);
  let partial = '';
  const stored = await cache.downloads.obtain(
    blob,
    files((descriptor, path) => {
      partial = shownPath(path);
      return wholeFile(descriptor, path);
    }),
  );
  expect(dirname(partial)).toBe(join(directory.path, 'partial'));
  expect(await readdir(dirname(partial))).toEqual([]);
  expect(digestOf(await readFile(stored.path))).toBe(blob.digest);
  expect(await cache.content.hasBlob(blob)).toBe(true);
});

test('leaves what came of a large blob for the next download, at the same path', async () => {
  await using directory = await temporaryDirectory();
  const cache = await openCache(directory.path);
  const failing = files(async (_, path) => {
    await writeFile(path, bytes.subarray(0, 1_500_000));
    throw new OciError('NETWORK', 'cut');
  });
  await expect(cache.downloads.obtain(blob, failing)).rejects.toMatchObject({ code: 'NETWORK' });
  let found = 0;
  const again = files(async (descriptor, path) => {
    found = (await readFile(path)).byteLength;
    return wholeFile(descriptor, path);
  });
  await (await openCache(directory.path)).downloads.obtain(blob, again);
  expect(found).toBe(1_500_000);
});

test('downloads once for all who ask at the same time, and tells them so', async () => {
  await using directory = await temporaryDirectory();
  const calls: string[] = [];
  const events: TransferEvent[] = [];
  const onEvent = (event: TransferEvent): void => void events.push(event);
  const caches = await Promise.all([1, 2, 3].map(() => openCache(directory.path)));
  const source = streams(smallBytes, calls);
  await Promise.all(
    [...caches, ...caches].map((cache) => cache.downloads.obtain(small, source, { onEvent })),
  );
  expect(calls).toHaveLength(1);
  expect(events.filter(({ type }) => type === 'start')).toHaveLength(1);
  expect(events.filter(({ type }) => type === 'done')).toHaveLength(1);
  expect(events.filter(({ type }) => type === 'joined').length).toBeGreaterThanOrEqual(3);
  expect(await readdir(join(directory.path, '.locks', 'downloads'))).toEqual([]);
  expect(await readdir(join(directory.path, '.tmp'))).toEqual([]);
});

test('takes a download over from a process that was killed, and goes on where it was', async () => {
  await using directory = await temporaryDirectory();
  const cacheDir = join(directory.path, 'cache');
  const program = await compile(
    `import { writeFile } from 'node:fs/promises';
     import { openCache } from './cache.js';
     const blob = JSON.parse(process.argv[3]);
     const cache = await openCache(process.argv[2]);
     await cache.downloads.obtain(blob, {
       fetchBlob: async () => { throw new Error('not streamed'); },
       downloadBlob: async (_, path) => {
         await writeFile(path, 'a part');
         process.stdout.write('downloading');
         await new Promise(() => setInterval(() => {}, 1000));
       },
     });`,
    { from: import.meta.url, directory: directory.path },
  );
  await killAtOutput(process.execPath, [program, cacheDir, JSON.stringify(blob)]);
  const cache = await openCache(cacheDir);
  let found = '';
  const source = files(async (descriptor, path) => {
    found = await readFile(path, 'utf8');
    return wholeFile(descriptor, path);
  });
  await cache.downloads.obtain(blob, source);
  expect(found).toBe('a part');
  expect(await cache.content.hasBlob(blob)).toBe(true);
});

test('downloads once for several processes', async () => {
  await using directory = await temporaryDirectory();
  const log = join(directory.path, 'log');
  await mkdir(log);
  const program = await compile(
    `import { randomBytes } from 'node:crypto';
     import { writeFile } from 'node:fs/promises';
     import { openCache } from './cache.js';
     const [dir, text, log] = process.argv.slice(2);
     const blob = JSON.parse(text);
     const cache = await openCache(dir);
     const stored = await cache.downloads.obtain(blob, {
       fetchBlob: async () => {
         await writeFile(log + '/' + randomBytes(8).toString('hex'), '');
         return (async function* () { yield Buffer.alloc(blob.size); })();
       },
     });
     process.stdout.write(stored.path);`,
    { from: import.meta.url, directory: directory.path },
  );
  const zeros = Buffer.alloc(50_000);
  const descriptor = { ...blob, digest: digestOf(zeros), size: zeros.byteLength };
  const cacheDir = join(directory.path, 'cache');
  const args = [program, cacheDir, JSON.stringify(descriptor), log];
  const ends = await Promise.all([1, 2, 3, 4].map(() => run(process.execPath, args)));
  expect(ends.map(({ stderr }) => stderr)).toEqual(['', '', '', '']);
  expect(new Set(ends.map(({ stdout }) => stdout)).size).toBe(1);
  expect(await readdir(log)).toHaveLength(1);
});

test('lets another go on when the one that downloads gives up', async () => {
  await using directory = await temporaryDirectory();
  const [first, second] = [await openCache(directory.path), await openCache(directory.path)];
  const stop = new AbortController();
  let begun = (): void => {};
  const running = new Promise<void>((resolve) => (begun = resolve));
  const stuck: DownloadSource = {
    fetchBlob: async (_, { signal }: CallOptions = {}) => {
      begun();
      return new Promise((_, reject) => {
        signal?.addEventListener('abort', () => reject(new OciError('ABORTED', 'stopped')));
      });
    },
  };
  const given = first.downloads.obtain(small, stuck, { signal: stop.signal });
  await running;
  const taken = second.downloads.obtain(small, streams(smallBytes));
  stop.abort();
  await expect(given).rejects.toMatchObject({ code: 'ABORTED' });
  expect((await taken).descriptor).toBe(small);
});

test('asks for nothing that there is no room for, and tells what is free and needed', async () => {
  await using directory = await temporaryDirectory();
  const cache = await openCache(directory.path);
  const calls: string[] = [];
  const huge = { ...blob, size: Number.MAX_SAFE_INTEGER };
  await expect(cache.downloads.obtain(huge, streams(bytes, calls))).rejects.toMatchObject({
    code: 'STORAGE_FULL',
    message: expect.stringMatching(
      new RegExp(`${directory.path}: \\d+ bytes are free, ${huge.size} bytes are needed`),
    ),
  });
  expect(calls).toEqual([]);
});

test('refuses a file that its source verified and that vanished', async () => {
  await using directory = await temporaryDirectory();
  const cache = await openCache(directory.path);
  const source = files(async (descriptor, path) => {
    const file = await wholeFile(descriptor, path);
    await rename(path, `${path}.elsewhere`);
    return file;
  });
  await expect(cache.downloads.obtain(blob, source)).rejects.toMatchObject({
    code: 'STORAGE_FAILED',
  });
  expect(await cache.content.hasBlob(blob)).toBe(false);
});
