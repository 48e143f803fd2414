import { readFileSync } from 'node:fs';
import { mkdir, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

import {
  type Descriptor,
  type TransferEvent,
  type VerifiedFile,
  parseDigest,
  parseRepositoryName,
} from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import {
  type Fault,
  type TemporaryDirectory,
  type TestRegistry,
  compile,
  killAtOutput,
  randomBytes,
  run,
  startRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { type Registry, createRegistry } from '../registry.js';
import type { DownloadPolicy } from './download-policy.js';

const name = parseRepositoryName('a/b');
const bytes = randomBytes(101, 4_000_000);
describe.each([2, 0])('with %i workers', (workers) => {
  const policy: DownloadPolicy = {
    connections: 4,
    segmentBytes: 512 * 1024,
    leastBytes: 64 * 1024,
    parallelFrom: 1_000_000,
    stallMs: 10_000,
    enoughBytesPerSecond: Infinity,
    workers,
  };

  let registry: TestRegistry;
  let client: Registry;
  let work: TemporaryDirectory;
  let path: string;
  let blob: Descriptor;
  let events: TransferEvent[];

  beforeEach(async () => {
    registry = await startRegistry();
    client = createRegistry({
      url: registry.url,
      download: policy,
      retry: { delay: async () => {} },
    });
    work = await temporaryDirectory();
    path = join(work.path, 'blob');
    blob = registry.putBlob(name, bytes);
    events = [];
  });
  afterEach(async () => {
    await client.close();
    await registry.close();
    await work.remove();
  });

  function download(options: { signal?: AbortSignal } = {}): Promise<VerifiedFile> {
    const onEvent = (event: TransferEvent): void => void events.push(event);
    return client.repository(name).downloadBlob(blob, path, { onEvent, ...options });
  }

  async function expectWhole(): Promise<void> {
    expect(digestOf(await readFile(path))).toBe(blob.digest);
    expect(await readdir(work.path)).toEqual(['blob']);
  }

  async function expectNothing(): Promise<void> {
    expect(await readdir(work.path)).toEqual([]);
  }

  const ranges = (): (string | undefined)[] =>
    registry.requests.map(({ headers }) => headers.range);
  const fetched = (): number =>
    registry.requests.reduce((sum, { bytesSent }) => sum + bytesSent, 0);
  const fault = (rule: Partial<Fault>): void => void registry.fault({ path: '/blobs/', ...rule });

  test('fetches a large blob in closed ranges, each byte once', async () => {
    expect(await download()).toMatchObject({ descriptor: blob, path });
    await expectWhole();
    expect(ranges()[0]).toBe('bytes=0-524287');
    expect(ranges().every((range) => /^bytes=\d+-\d+$/.test(range ?? ''))).toBe(true);
    expect(registry.requests.length).toBeGreaterThanOrEqual(8);
    const last = events.findLast(({ type }) => type === 'bytes');
    expect(last).toMatchObject({ done: blob.size, size: blob.size });
    expect(events.slice(-2).map(({ type }) => type)).toEqual(['verify', 'done']);
  });

  test('asks several at once, once the first answer has shown that ranges work', async () => {
    let release = (): void => {};
    const until = new Promise<void>((resolve) => (release = resolve));
    fault({ pause: { afterBytes: 1000, until } });
    const running = download();
    for (let i = 0; i < policy.connections; i += 1) await registry.nextRequest({ path: '/blobs/' });
    expect(registry.requests).toHaveLength(policy.connections);
    release();
    await running;
    await expectWhole();
  });

  test('a blob that comes fast enough comes by one request', async () => {
    await client.close();
    client = createRegistry({
      url: registry.url,
      download: { ...policy, enoughBytesPerSecond: 0 },
    });
    await download();
    await expectWhole();
    expect(ranges()).toEqual(['bytes=0-3999999']);
  });

  test('more connections take of a blob that comes too slowly, and of the next at once', async () => {
    await client.close();
    client = createRegistry({
      url: registry.url,
      download: { ...policy, enoughBytesPerSecond: 1e12 },
    });
    let release = (): void => {};
    const until = new Promise<void>((resolve) => (release = resolve));
    fault({ pause: { afterBytes: 1000, until }, times: policy.connections });
    const running = download();
    for (let i = 0; i < policy.connections; i += 1) await registry.nextRequest({ path: '/blobs/' });
    expect(ranges()[0]).toBe('bytes=0-3999999');
    // A worker may not have told of the first bytes yet.
    expect(ranges()).toContainEqual(
      expect.stringMatching(/^bytes=(?:524288-1048575|525288-1049575)$/),
    );
    release();
    await running;
    await expectWhole();
    registry.clearRequests();
    await download();
    // They are asked for at once, and come in any order.
    expect(ranges()).toContain('bytes=0-524287');
  });

  test('fetches a small blob by one request without a range', async () => {
    const small = randomBytes(102, 900_000);
    blob = registry.putBlob(name, small);
    await download();
    await expectWhole();
    expect(ranges()).toEqual([undefined]);
  });

  test('an empty blob needs no request', async () => {
    blob = registry.putBlob(name, new Uint8Array());
    await download();
    await expectWhole();
    expect(registry.requests).toEqual([]);
  });

  test('lets an idle connection take over from a slow one', async () => {
    let release = (): void => {};
    const until = new Promise<void>((resolve) => (release = resolve));
    fault({ pause: { afterBytes: 1000, until }, times: 1 });
    const running = download();
    // A worker may not have told of the first bytes yet.
    const isStolen = (): boolean =>
      ranges().some((range) => /^bytes=262(?:144|644)-524287$/.test(range ?? ''));
    while (!isStolen()) await registry.nextRequest({ path: '/blobs/' });
    release();
    await running;
    await expectWhole();
  });

  test.each<[string, Partial<Fault>]>([
    ['breaks', { destroyAfterBytes: 100_000 }],
    ['is reset', { destroyAfterBytes: 100_000, reset: true }],
    ['ends early', { truncate: 100_000 }],
    ['breaks before the answer', { destroyBeforeHeaders: true }],
  ])('goes on where a connection %s', async (_, rule) => {
    fault({ ...rule, times: 3 });
    await download();
    await expectWhole();
    expect(fetched()).toBeLessThan(blob.size * 1.3);
  });

  test.each<[string, Partial<Fault>]>([
    ['200 with all of it', { ignoreRange: true }],
    ['another range', { contentRange: 'bytes 7-1000/4000000' }],
    ['no range', { contentRange: '' }],
    ['encoded bytes', { gzip: true, times: 1 }],
    [
      '416 with the size',
      { status: 416, headers: { 'content-range': 'bytes */4000000' }, times: 1 },
    ],
    ['416 without the size', { status: 416, times: 1 }],
  ])(
    'uses one connection at a host that answers ranges with %s, and remembers it',
    async (_, rule) => {
      registry.fault({ path: '/blobs/', ...rule, method: 'GET' });
      const rangesOnly = (): number => ranges().filter(Boolean).length;
      await download().catch(() => {});
      registry.clearRequests();
      registry.fault({ path: /never/ });
      await writeFile(path, '');
      await download().catch(() => {});
      expect(rangesOnly()).toBe(0);
    },
  );

  test('fetches all of a blob where ranges are ignored', async () => {
    fault({ ignoreRange: true });
    await download();
    await expectWhole();
    expect(events.filter(({ type }) => type === 'warning')).toHaveLength(1);
  });

  test('skips what is there where ranges are ignored from some moment on', async () => {
    fault({ ignoreRange: true, skip: 3 });
    await download();
    await expectWhole();
  });

  test.each([
    ['416 with another size', { status: 416, headers: { 'content-range': 'bytes */5' } }],
    ['a part of another size', { contentRange: 'bytes 0-524287/5' }],
  ])('ends with SIZE_MISMATCH at %s', async (_, rule) => {
    fault(rule);
    await expect(download()).rejects.toMatchObject({ code: 'SIZE_MISMATCH' });
    await expectNothing();
  });

  test('fetches once more what turns out wrong at the end', async () => {
    fault({ bodyTransform: (body) => body.map((byte) => byte ^ 1), times: 1, skip: 2 });
    await download();
    await expectWhole();
    expect(events).toContainEqual(expect.objectContaining({ type: 'warning' }));
  });

  test('ends with both digests when it is wrong again, and keeps nothing', async () => {
    registry.corruptBlob(blob.digest, (content) => content.map((byte) => byte ^ 1));
    await expect(download()).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
      message: expect.stringContaining(blob.digest),
    });
    await expectNothing();
    expect(fetched()).toBeGreaterThanOrEqual(2 * blob.size);
    expect(fetched()).toBeLessThan(2.5 * blob.size);
  });

  test.each<[string, Partial<Fault>, string]>([
    ['an unknown blob', { status: 404 }, 'BLOB_UNKNOWN'],
    ['no access', { status: 403 }, 'DENIED'],
    ['a registry that is down', { status: 503 }, 'REGISTRY_UNAVAILABLE'],
    ['connections that never bring anything', { destroyBeforeHeaders: true }, 'NETWORK'],
  ])('ends with %s', async (_, rule, code) => {
    fault(rule);
    await expect(download()).rejects.toMatchObject({ code });
  });

  test('a digest that nobody can compute is not fetched', async () => {
    blob = { ...blob, digest: parseDigest(`blake3:${'0'.repeat(64)}`) };
    await expect(download()).rejects.toMatchObject({ code: 'DIGEST_UNSUPPORTED' });
    expect(registry.requests).toEqual([]);
  });

  test('keeps what is there when it is stopped, and goes on from there', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    fault({ destroyAfterBytes: 300_000 });
    const running = client.repository(name).downloadBlob(blob, path, {
      signal,
      onEvent: (event) => {
        if (event.type === 'bytes' && event.done > 1_500_000) controller.abort();
      },
    });
    await expect(running).rejects.toMatchObject({ code: 'ABORTED' });
    expect((await readdir(work.path)).sort()).toEqual(['blob.journal', 'blob.partial']);
    registry.clearRequests();
    await download();
    await expectWhole();
    // What a connection had under way when another took over the rest of its part came in vain.
    expect(fetched()).toBeLessThan(blob.size - 1_000_000);
    expect(events[1]).toMatchObject({ type: 'resume', offset: expect.any(Number) });
  });

  test('goes on, to the same file, however often its process is killed', async () => {
    const program = await compile(
      `import { createRegistry } from '../registry.js';
     const [url, blob, path] = process.argv.slice(2);
     const download = { ...${JSON.stringify(policy)}, enoughBytesPerSecond: Infinity };
     let isTold = false;
     await createRegistry({ url, download }).repository('a/b').downloadBlob(JSON.parse(blob), path, {
       onEvent: (event) => {
         // By then more is written than may be not yet noted.
         if (event.type !== 'bytes' || event.done < 2_500_000 || isTold) return;
         isTold = true;
         process.stdout.write('.');
       },
     });`,
      { from: import.meta.url, directory: work.path },
    );
    const target = join(work.path, 'out');
    const args = [program, registry.url, JSON.stringify(blob), target];
    for (let kills = 0; kills < 3; kills += 1) await killAtOutput(process.execPath, args);
    expect(await readdir(work.path)).toContain('out.journal');
    expect(await run(process.execPath, args)).toMatchObject({ exitCode: 0, stderr: '' });
    expect(digestOf(await readFile(target))).toBe(blob.digest);
    expect(await readdir(work.path)).not.toContain('out.journal');
  });

  test('a partial file that was altered, cut or lost makes no later download fail (docker-agent#3262)', async () => {
    const controller = new AbortController();
    const stop = (event: TransferEvent): void => {
      if (event.type === 'bytes' && event.done > 1_000_000) controller.abort();
    };
    const { signal } = controller;
    const stopped = client.repository(name).downloadBlob(blob, path, { signal, onEvent: stop });
    await expect(stopped).rejects.toMatchObject({ code: 'ABORTED' });
    const [journalPath, partialPath] = [`${path}.journal`, `${path}.partial`];
    const journal = await readFile(journalPath);
    const partial = await readFile(partialPath);

    partial[1000] = (partial[1000] ?? 0) ^ 1;
    await writeFile(partialPath, partial);
    await download();
    await expectWhole();

    for (const left of [partial.subarray(0, 10), new Uint8Array(), undefined]) {
      await writeFile(journalPath, journal);
      if (left) await writeFile(partialPath, left);
      await download();
      await expectWhole();
    }

    await writeFile(journalPath, journal);
    await writeFile(partialPath, Buffer.concat([partial, randomBytes(103, blob.size)]));
    await download();
    await expectWhole();
  });

  test('nothing is at the path before it is whole, and what was there is replaced', async () => {
    await writeFile(path, 'an older file, which is longer or shorter');
    const seen = new Set<string>();
    const onEvent = ({ type }: TransferEvent): void => {
      if (type !== 'done') seen.add(readFileSync(path, 'utf8'));
    };
    await client.repository(name).downloadBlob(blob, path, { onEvent });
    expect([...seen]).toEqual(['an older file, which is longer or shorter']);
    await expectWhole();
  });

  test('a descriptor that tells an enormous size costs nothing (GHSA-f36w-mj3v-6jqv)', async () => {
    blob = { ...blob, size: 2 ** 52 };
    await expect(download()).rejects.toMatchObject({ code: 'SIZE_MISMATCH' });
    await expectNothing();
    expect(fetched()).toBeLessThan(2 * policy.segmentBytes);
  });

  test('a failure before the first byte leaves nothing behind', async () => {
    fault({ status: 404 });
    await expect(download()).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' });
    await expectNothing();
  });

  test('a part that stalls is asked for anew, from where it stopped', async () => {
    await client.close();
    client = createRegistry({
      url: registry.url,
      download: { ...policy, stallMs: 100 },
      retry: { delay: async () => {} },
    });
    const never = new Promise<void>(() => {});
    fault({ pause: { afterBytes: 10_000, until: never }, times: 2 });
    await download();
    await expectWhole();
    expect(ranges().some((range) => range?.startsWith('bytes=10000-'))).toBe(true);
    expect(events).toContainEqual(
      expect.objectContaining({
        type: 'retry',
        reason: expect.stringContaining('stopped sending in the middle'),
      }),
    );
  });

  test('a host that sends a few bytes a connection is given up', async () => {
    fault({ destroyAfterBytes: 100 });
    await expect(download()).rejects.toMatchObject({ code: 'NETWORK' });
    expect(registry.requests.length).toBeLessThanOrEqual(5 * policy.connections);
  });

  test('what one connection can not bring is fetched by no other any more', async () => {
    fault({ path: /blobs/, status: 500, skip: 2 });
    await expect(download()).rejects.toMatchObject({ code: 'REGISTRY_UNAVAILABLE' });
    const { length } = registry.requests;
    await new Promise(setImmediate);
    expect(registry.requests).toHaveLength(length);
  });

  test('a file system that takes no more is a failure of storage, with the path', async () => {
    path = join(work.path, 'missing', 'blob');
    await expect(download()).rejects.toMatchObject({
      code: 'STORAGE_FAILED',
      message: expect.stringContaining(path),
    });
  });

  test('a policy that makes no sense is refused', () => {
    const wrong = { url: registry.url, download: { connections: 0 } };
    expect(() => createRegistry(wrong)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });

  test.each(['.partial', '.journal', '.journal.new', '.wrong'])(
    'writes nothing through a link that somebody planted as %s',
    async (ending) => {
      const outside = join(work.path, '..', `${basename(work.path)}-outside`);
      await writeFile(outside, 'precious');
      try {
        const half = bytes.subarray(0, 2_000_000);
        await writeFile(`${path}.partial`, half);
        const { digest, size } = blob;
        const header = JSON.stringify({ version: 1, digest, size });
        await writeFile(`${path}.journal`, `${header}\n0 2000000\n`);
        await rm(path + ending, { force: true });
        await symlink(outside, path + ending);
        await download();
        await expectWhole();
        expect(await readFile(outside, 'utf8')).toBe('precious');
      } finally {
        await rm(outside);
      }
    },
  );

  test('refuses a directory before anything is asked for, and leaves no file open', async () => {
    await mkdir(path);
    await expect(download()).rejects.toMatchObject({ code: 'USAGE' });
    expect(registry.requests).toEqual([]);
    expect(await readdir(work.path)).toEqual(['blob']);
  });
});
