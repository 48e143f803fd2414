import { readFile, readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { parseDigest, parseTag } from '@oci/spec-types';
import {
  type TemporaryDirectory,
  type TestRegistry,
  compile,
  guideArtifact,
  randomBytes,
  run,
  startRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { OciManager } from './manager.js';

describe('a repository through the cache', () => {
  let registry: TestRegistry;
  let work: TemporaryDirectory;
  let cacheDir: string;

  const payload = Buffer.from(randomBytes(7, 2_000_000)).toString('base64');
  const artifact = guideArtifact({ version: '1.0.0', files: { payload } });
  const layer = artifact.blobs.at(-1)?.descriptor;
  if (!layer) throw new Error('the artifact has no layer');
  const tag = parseTag('1.0.0');

  beforeEach(async () => {
    registry = await startRegistry();
    work = await temporaryDirectory('oci-read-through-');
    cacheDir = join(work.path, 'cache');
    registry.putArtifact('team/tool', '1.0.0', artifact);
  });
  afterEach(async () => {
    await registry.close();
    await work.remove();
  });

  const open = (offline = false): OciManager =>
    new OciManager({
      registryUrl: registry.url,
      namespace: 'team',
      cacheDir,
      freshness: { offline, refresh: false, movingTagTtlMs: 0, staleIfErrorMs: 0 },
      credentials: async () => undefined,
    });
  const asked = (): readonly string[] =>
    registry.requests
      .filter(({ path }) => path.includes('/team/tool/'))
      .map(
        ({ method, path }) =>
          `${method} ${path.includes('/blobs/') ? 'blob' : path.split('/').at(-1)}`,
      );

  const pull = async (offline = false): Promise<Buffer> => {
    await using manager = open(offline);
    const target = join(work.path, `out-${Math.random()}`);
    return manager.throughCache('team/tool', async (repository) => {
      await repository.fetch(tag);
      const { path } = await repository.downloadBlob(layer, target);
      return readFile(path);
    });
  };

  it('asks for a tag each time, for its content once, and offline for nothing', async () => {
    const first = await pull();
    expect(asked()).toEqual(['GET 1.0.0', 'GET blob']);
    registry.clearRequests();
    expect((await pull()).equals(first)).toBe(true);
    expect(asked()).toEqual(['HEAD 1.0.0']);
    registry.clearRequests();
    expect((await pull(true)).equals(first)).toBe(true);
    expect(asked()).toEqual([]);
    expect((await readdir(work.path)).filter((name) => name.includes('.copy'))).toEqual([]);
  });

  it('follows a tag that moved', async () => {
    await pull();
    const next = guideArtifact({ version: '1.0.0', files: { payload: 'next' } });
    const { digest } = registry.putArtifact('team/tool', '1.0.0', next);
    await using manager = open();
    const found = await manager.throughCache('team/tool', async (repository) =>
      repository.fetch(tag),
    );
    expect(found.descriptor.digest).toBe(digest);
    await using later = open(true);
    const known = await later.throughCache('team/tool', (repository) => repository.resolve(tag));
    expect(known.digest).toBe(digest);
  });

  it('says offline what it does not have', async () => {
    await using manager = open(true);
    const absent = parseDigest(`sha256:${'0'.repeat(64)}`);
    const offline = { code: 'OFFLINE' };
    await manager.throughCache('team/tool', async (repository) => {
      await expect(repository.fetch(tag)).rejects.toMatchObject(offline);
      await expect(repository.resolve(absent)).rejects.toMatchObject(offline);
      await expect(repository.fetchBlob(layer)).rejects.toMatchObject(offline);
    });
    expect(asked()).toEqual([]);
  });

  it('downloads again what was damaged in the cache, and never gives it away', async () => {
    const right = await pull();
    await using manager = open();
    const cache = await manager.cache();
    const path = cache.content.pathOf(layer.digest);
    const { atime, mtime } = await stat(path);
    const wrong = Buffer.from(right);
    wrong[0] = (wrong[0] ?? 0) ^ 1;
    await writeFile(path, wrong);
    // As it looked when it was verified, so that only the copy shows it.
    await utimes(path, atime, mtime);
    expect((await pull()).equals(right)).toBe(true);
  });

  it('keeps a file of its own, which the cache does not share', async () => {
    const right = await pull();
    await using manager = open();
    const target = join(work.path, 'own');
    await manager.throughCache('team/tool', (repository) => repository.downloadBlob(layer, target));
    await writeFile(target, 'changed');
    expect((await pull()).equals(right)).toBe(true);
  });

  it('downloads once for eight processes', async () => {
    const program = await compile(
      `import { OciManager } from './manager.js';
       const [registryUrl, cacheDir, target, layer] = process.argv.slice(2);
       await using manager = new OciManager({ registryUrl, namespace: 'team', cacheDir, credentials: async () => undefined });
       await manager.throughCache('team/tool', async (repository) => {
         await repository.fetch('1.0.0');
         await repository.downloadBlob(JSON.parse(layer), target);
       });`,
      { from: import.meta.url, directory: work.path },
    );
    const ends = await Promise.all(
      Array.from({ length: 8 }, (_, at) =>
        run(process.execPath, [
          program,
          registry.url,
          cacheDir,
          join(work.path, `target-${at}`),
          JSON.stringify(layer),
        ]),
      ),
    );
    expect(ends.map(({ stderr }) => stderr)).toEqual(ends.map(() => ''));
    expect(asked().filter((request) => request === 'GET blob')).toHaveLength(1);
  });
});
