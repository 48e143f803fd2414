import { EventEmitter, once } from 'node:events';
import { mkdir, readFile, readdir, rename, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { createRegistry } from '@oci/client';
import { type EventListener, parseRepositoryName } from '@oci/spec-types';
import { randomBytes, startRegistry, temporaryDirectory } from '@oci/testing';
import { expect, test } from 'vitest';

import { placeFiles } from './file-placement.js';

test('downloads of one file at once, in one directory, wait for the first of them', async () => {
  const server = await startRegistry();
  const registry = createRegistry({ url: server.url });
  const work = await temporaryDirectory();
  try {
    const content = randomBytes(1, 12 * 1024 * 1024);
    const blob = server.putBlob('team/big', content);
    const layer = { ...blob, annotations: { 'org.opencontainers.image.title': 'big' } };
    const repository = registry.repository(parseRepositoryName('team/big'));
    const seen: string[] = [];
    const onEvent: EventListener = ({ type }) => void seen.push(type);
    const { signal } = new AbortController();
    const options = { directory: work.path, keepOldFiles: false, signal, onEvent };
    await Promise.all(
      [1, 2, 3].map(() =>
        placeFiles(
          repository,
          [{ name: layer.annotations['org.opencontainers.image.title'], descriptor: layer }],
          options,
        ),
      ),
    );
    const written = await readFile(`${work.path}/big`);
    expect(written.byteLength).toBe(content.byteLength);
    expect(content.every((byte, at) => byte === written[at])).toBe(true);
    expect(seen.filter((type) => type === 'done')).toHaveLength(1);
    expect(seen.filter((type) => type === 'cached')).toHaveLength(2);
    expect(await readdir(work.path)).toEqual(['big']);
  } finally {
    await registry.close();
    await server.close();
    await work.remove();
  }
});

async function pullOf(
  title: string,
  whileAsked: (at: { out: string; outside: string; whole: string }) => Promise<void>,
): Promise<{ outside: readonly string[]; out: readonly string[]; failure: unknown }> {
  await using server = await startRegistry();
  const registry = createRegistry({ url: server.url });
  await using work = await temporaryDirectory();
  const [out, outside] = [join(work.path, 'out'), join(work.path, 'outside')];
  await mkdir(outside);
  await mkdir(dirname(join(out, title)), { recursive: true });
  const blob = server.putBlob('team/tool', randomBytes(1, 3 * 1024 * 1024));
  const whole = join(out, `${title}.${blob.digest.slice(7, 19)}`);
  const layer = { ...blob, annotations: { 'org.opencontainers.image.title': title } };
  const ready = new EventEmitter();
  server.fault({ path: /blobs/, times: 1, delayUntil: once(ready, 'done') });
  const { signal } = new AbortController();
  const onEvent: EventListener = ({ type }) => {
    if (type === 'start') void whileAsked({ out, outside, whole }).then(() => ready.emit('done'));
  };
  const repository = registry.repository(parseRepositoryName('team/tool'));
  const failure = await placeFiles(
    repository,
    [{ name: layer.annotations['org.opencontainers.image.title'], descriptor: layer }],
    {
      directory: out,
      keepOldFiles: false,
      signal,
      onEvent,
    },
  ).then(
    () => undefined,
    (error: unknown) => error,
  );
  await registry.close();
  return { outside: await readdir(outside), out: await readdir(out), failure };
}

test('a link planted for its partial file is replaced, and the file has one ending while it comes', async () => {
  const seen: string[] = [];
  const pulled = await pullOf('tool.sh', async ({ out, outside, whole }) => {
    await symlink(join(outside, 'file'), `${whole}.partial`).catch(() => {});
    seen.push(...(await readdir(out)));
  });
  expect(pulled).toEqual({ outside: [], out: ['tool.sh'], failure: undefined });
  expect(seen.filter((name) => name.endsWith('.partial.partial'))).toEqual([]);
});

test.runIf(process.platform === 'linux')(
  'a directory that is swapped for a link during a pull leads nowhere',
  async () => {
    const pulled = await pullOf('sub/tool.sh', async ({ out, outside }) => {
      await rename(join(out, 'sub'), join(out, 'moved'));
      await symlink(outside, join(out, 'sub'));
    });
    expect(pulled).toEqual({ outside: [], out: ['moved', 'sub'], failure: undefined });
  },
);
