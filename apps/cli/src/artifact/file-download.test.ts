import { readFile, readdir } from 'node:fs/promises';

import { createRegistry } from '@oci/client';
import { type EventListener, parseRepositoryName } from '@oci/spec-types';
import { randomBytes, startRegistry, temporaryDirectory } from '@oci/testing';
import { expect, test } from 'vitest';

import { downloadFiles } from './file-download.js';

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
    await Promise.all([1, 2, 3].map(() => downloadFiles(repository, [layer], options)));
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
