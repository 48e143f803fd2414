import { mkdir, readFile, readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { parseReference } from '@oci/spec-types';
import { withFileLock } from '@oci/files';
import { temporaryDirectory } from '@oci/testing';
import { expect, test } from 'vitest';

import { type Cache, openCache } from '../src/cache.js';
import { ensureFormat } from '../src/format-mark.js';
import type { ReferenceKey } from '../src/cache-format.js';

/** A file of a directory that version 1 of the format was written to. */
interface File {
  readonly text?: string;
  readonly base64?: string;
  readonly mtimeMs?: number;
}

const files = JSON.parse(
  await readFile(new URL('version-1.json', import.meta.url), 'utf8'),
) as Record<string, File>;
/** When the newest of its references came. */
const cameAt = Date.parse('2026-01-29T12:00:00Z');
const day = 24 * 60 * 60_000;
const lock = '.locks/removal';

async function version1(dir: string): Promise<Cache> {
  for (const [name, { text, base64, mtimeMs = cameAt }] of Object.entries(files)) {
    const path = join(dir, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text ?? Buffer.from(base64 ?? '', 'base64'));
    await utimes(path, mtimeMs / 1000, mtimeMs / 1000);
  }
  return openCache(dir);
}

function keyOf(text: string): ReferenceKey {
  return parseReference(`localhost:5000/${text}`) as ReferenceKey;
}

async function name(cache: Cache): Promise<void> {
  const entry = await cache.references.get(keyOf('kcl/core:2.0.0'));
  if (entry) await cache.references.set(keyOf('kcl/core:stable'), entry);
}

async function expectAllOf(cache: Cache, ...references: string[]): Promise<void> {
  const names = (await cache.index.list()).map(({ annotations }) =>
    Object.values(annotations ?? {}),
  );
  expect(names.flat().sort()).toEqual(references.map((one) => `localhost:5000/${one}`));
  for (const reference of references) {
    const { tag, ...place } = keyOf(reference);
    const repository = cache.repository(place);
    const manifest = await repository.fetchManifest(await repository.resolve(tag));
    if (manifest.kind !== 'image') throw new Error('it is an image');
    const { config, layers } = manifest.document;
    for (const blob of [config, ...layers])
      expect(blob && (await cache.content.get(blob))).toBeDefined();
  }
}

test('a directory of version 1 is read, verified and pruned', async () => {
  await using directory = await temporaryDirectory();
  const cache = await version1(directory.path);
  const all = ['kcl/core:1.0.0', 'kcl/core:2.0.0', 'kcl/moved:latest', 'kcl/pinned:1.0.0'];
  await expectAllOf(cache, ...all);
  expect(await cache.pins.list()).toEqual([keyOf('kcl/pinned:1.0.0')]);
  expect(await cache.verify()).toMatchObject({ damaged: [], damagedFiles: [], finished: true });
  const report = await cache.prune({ maxAgeDays: 30 }, { now: cameAt + 3 * day });
  expect(report.removed).toMatchObject([{ reference: 'localhost:5000/kcl/core:1.0.0' }]);
  expect(report.kept).toMatchObject([
    { reference: 'localhost:5000/kcl/pinned:1.0.0', reason: 'pinned' },
  ]);
  // Two blobs of the one that went, and two that the moved tag left behind.
  expect(report.freed.blobs).toBe(4);
  await expectAllOf(cache, 'kcl/core:2.0.0', 'kcl/moved:latest', 'kcl/pinned:1.0.0');
  expect(await readdir(join(directory.path, 'kcl/core'))).toEqual(['2.0.0']);
  expect((await readdir(join(directory.path, 'state'))).sort()).toEqual(['pins', 'pruned']);
});

test('a pruner of version 1 fails at its lock as soon as something was named', async () => {
  await using directory = await temporaryDirectory();
  const cache = await version1(directory.path);
  const path = join(directory.path, lock);
  const prune = (): Promise<string> => withFileLock(path, async () => 'pruned');
  expect(await prune()).toBe('pruned');
  await name(cache);
  await expect(prune()).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
  expect((await stat(path)).isFile()).toBe(true);
});

test('what a pruner of version 1 removes just now is waited for', async () => {
  await using directory = await temporaryDirectory();
  const cache = await version1(directory.path);
  const steps: string[] = [];
  let naming: Promise<unknown> | undefined;
  await withFileLock(join(directory.path, lock), async () => {
    naming = Promise.all([name(cache), cache.prune({})]).then(() => steps.push('named'));
    await expect(Promise.race([naming, readdir(directory.path)])).resolves.toContain('blobs');
    steps.push('removed');
  });
  await naming;
  expect(steps).toEqual(['removed', 'named']);
});

test('many who make a directory one of this format at once do it once', async () => {
  await using directory = await temporaryDirectory();
  await version1(directory.path);
  await withFileLock(join(directory.path, lock), async () => {});
  await Promise.all(Array.from({ length: 8 }, () => ensureFormat(directory.path)));
  expect(await readFile(join(directory.path, lock), 'utf8')).toBe('2\n');
  expect(await readdir(join(directory.path, '.tmp'))).toEqual([]);
});

test('a directory of a later format is read, and neither filled nor pruned', async () => {
  await using directory = await temporaryDirectory();
  const cache = await version1(directory.path);
  await writeFile(join(directory.path, lock), '3\n');
  await expect(name(cache)).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  await expect(cache.prune({ maxBytes: 0 })).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  await expect(cache.clear()).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  expect(await cache.stats()).toMatchObject({ blobs: 11, references: 4 });
});
