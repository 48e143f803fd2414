import { join } from 'node:path';

import {
  type CallOptions,
  type Descriptor,
  type TransferEvent,
  singleChunk,
} from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import { randomBytes, startRegistry, temporaryDirectory } from '@oci/testing';
import { describe, expect, test } from 'vitest';

import { createRegistry } from '../registry.js';
import type { RemoteRepository } from './remote-repository.js';

const content = randomBytes(7, 100_000);
const blob: Descriptor = {
  mediaType: 'application/octet-stream',
  digest: digestOf(content),
  size: content.byteLength,
  annotations: { 'org.opencontainers.image.title': 'tool' },
};
const { digest, size } = blob;
const start = { type: 'start', digest, size, title: 'tool' };
const end = [
  { type: 'bytes', digest, done: size, size },
  { type: 'done', digest, size },
];

type Call = (repository: RemoteRepository, options: CallOptions) => Promise<unknown>;

async function read(bytes: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of bytes);
}

/** @returns what the call tells of the blob, without its first part and what is of one way alone */
async function toldBy(call: Call, isThere: boolean): Promise<readonly TransferEvent[]> {
  await using server = await startRegistry();
  if (isThere) server.putBlob('team/tool', content);
  const registry = createRegistry({ url: server.url });
  const events: TransferEvent[] = [];
  const onEvent = (event: TransferEvent): void => void events.push(event);
  await call(registry.repository('team/tool'), { onEvent }).finally(() => registry.close());
  const isPart = (event: TransferEvent): boolean =>
    (event.type === 'bytes' && event.done < event.size) || event.type === 'verify';
  return events.filter((event) => !isPart(event));
}

describe('a blob begins, moves to its last byte, and ends', () => {
  test('when it is fetched', async () => {
    const fetch: Call = async (repository, options) =>
      read(await repository.fetchBlob(blob, options));
    expect(await toldBy(fetch, true)).toEqual([start, ...end]);
  });

  test('when it is downloaded', async () => {
    await using work = await temporaryDirectory();
    const download: Call = (repository, options) =>
      repository.downloadBlob(blob, join(work.path, 'file'), options);
    expect(await toldBy(download, true)).toEqual([start, ...end]);
  });

  test.each([undefined, 30_000])('when it is pushed, in chunks of %s', async (chunkBytes) => {
    const push: Call = (repository, options) =>
      repository.pushBlob(blob, singleChunk(content), { ...options, chunkBytes });
    expect(await toldBy(push, false)).toEqual([start, ...end]);
  });
});

test('a part has its own size', async () => {
  const range = { first: 10, last: 19 };
  const fetch: Call = async (repository, options) =>
    read(await repository.fetchBlob(blob, { ...options, range }));
  expect((await toldBy(fetch, true)).at(-1)).toEqual({ type: 'done', digest, size: 10 });
});

test('a blob that the registry has is not sent, and told as cached', async () => {
  const push: Call = (repository, options) =>
    repository.pushBlob(blob, singleChunk(content), options);
  expect(await toldBy(push, true)).toEqual([{ type: 'cached', digest, size }]);
});
