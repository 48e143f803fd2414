import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { type TransferEvent, parseRepositoryName, parseTag } from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import { image, randomBytes, startRegistry, temporaryDirectory } from '@oci/testing';
import { afterEach, expect, test, vi } from 'vitest';

import { createRegistry } from '../registry.js';

const name = parseRepositoryName('a/b');
const tag = parseTag('1.0.0');
/** Waits for real, and tells figures. */
const isReal = process.env['OCI_REAL_WAITS'] !== undefined;

afterEach(() => {
  vi.useRealTimers();
});

test('a registry that puts off every other request is pulled from, and never asked too early', async () => {
  await using registry = await startRegistry();
  await using work = await temporaryDirectory();
  const artifact = image();
  registry.putArtifact(name, tag, artifact);
  const blobs = [1, 2, 3].map((seed) => registry.putBlob(name, randomBytes(seed, 400_000)));
  // Each rule waits for one request more than those before it have taken.
  for (let skip = 0; skip < 60; skip += 1) {
    const headers = { 'retry-after': '3' };
    registry.fault({ path: '/v2/', status: 429, headers, skip, times: 1 });
  }
  if (!isReal) vi.useFakeTimers({ toFake: ['Date'] });
  const began = Date.now();
  const delay = async (milliseconds: number): Promise<void> => {
    // Who waits is followed by whoever asks meanwhile, before the time has come.
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
    vi.setSystemTime(Math.max(Date.now(), began) + milliseconds);
  };
  const client = createRegistry({
    url: registry.url,
    download: {
      connections: 4,
      segmentBytes: 100_000,
      leastBytes: 50_000,
      parallelFrom: 1,
      enoughBytesPerSecond: Infinity,
    },
    retry: isReal ? {} : { delay },
  });
  const repository = client.repository(name);
  const events: TransferEvent[] = [];
  const arrivals: { at: number; status: () => number | undefined }[] = [];
  const isDone = { yet: false };
  const watching = (async () => {
    while (!isDone.yet) {
      const request = await registry.nextRequest({ path: '/v2/' });
      arrivals.push({ at: Date.now(), status: () => request.status });
    }
  })();
  const onEvent = (event: TransferEvent): void => void events.push(event);
  const manifest = await repository.fetch(tag, { onEvent });
  expect(manifest.descriptor.digest).toBe(artifact.manifest.descriptor.digest);
  await Promise.all(
    blobs.map(async (blob, at) => {
      const path = join(work.path, String(at));
      await repository.downloadBlob(blob, path, { onEvent });
      expect(digestOf(await readFile(path))).toBe(blob.digest);
    }),
  );
  isDone.yet = true;
  await client.ping().catch(() => {});
  await watching;
  await client.close();

  const waits = events.flatMap((event) => (event.type === 'wait' ? [event] : []));
  expect(waits.length).toBeGreaterThan(5);
  expect(waits.every(({ host, until }) => host === registry.host && until > began)).toBe(true);
  const refused = arrivals.filter(({ status }) => status() === 429);
  // What was on its way when the answer came was not sent inside the wait.
  const early = refused.flatMap(({ at }) =>
    arrivals.filter((other) => other.at > at + grace && other.at < at + 3000),
  );
  expect(early).toEqual([]);
  if (isReal) {
    process.stdout.write(
      `${arrivals.length} requests, ${refused.length} put off, ${waits.length} waits told, ${Date.now() - began} ms\n`,
    );
  }
});

/** Milliseconds from an answer that was sent to its being read, which real clocks show. */
const grace = isReal ? 100 : 0;
