import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { ImageIndex } from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import { compile, startProgram, temporaryDirectory } from '@oci/testing';
import { expect, it } from 'vitest';

import { openCache } from '../cache.js';

/** `OCI_SOAK_CACHE_KILLS=500` for the long run. */
const kills = Number(process.env['OCI_SOAK_CACHE_KILLS'] ?? 8);

/** Stores blobs of all sizes, by streams and by files, and names each, without an end. */
const writer = `
  import { randomBytes } from 'node:crypto';
  import { writeFile } from 'node:fs/promises';
  import { digestOf } from '@oci/spec-types/node';
  import { openCache } from '../cache.js';
  const [dir, seed] = process.argv.slice(2);
  const cache = await openCache(dir);
  process.stdout.write('begun');
  async function* chunks(bytes) {
    for (let at = 0; at < bytes.length; at += 50_000) yield bytes.subarray(at, at + 50_000);
  }
  for (let at = 0; ; at += 1) {
    const bytes = randomBytes(at % 3 === 0 ? 1_200_000 : 1 + ((at * 31_337) % 300_000));
    const blob = { mediaType: 'application/octet-stream', digest: digestOf(bytes), size: bytes.length };
    await cache.downloads.obtain(blob, {
      fetchBlob: async () => chunks(bytes),
      downloadBlob: async (descriptor, path) => {
        await writeFile(path, bytes);
        return { descriptor, path };
      },
    });
    const name = { registry: 'localhost:5000', repository: 'kcl/core', tag: seed + '.' + (at % 10) };
    await cache.references.set(name, { ...blob, resolvedAt: Date.now(), source: 'localhost:5000' });
    await cache.index.add({ descriptor: blob, name });
  }`;

it(
  'keeps no bad blob of a writer that is killed at any moment',
  async () => {
    await using directory = await temporaryDirectory('oci-soak-');
    const dir = join(directory.path, 'cache');
    const blobs = join(dir, 'blobs/sha256');
    const program = await compile(writer, { from: import.meta.url, directory: directory.path });
    let looked = 0;
    for (let kill = 0; kill < kills; kill += 1) {
      const child = startProgram(process.execPath, [program, dir, String(kill)]);
      await child.says('begun');
      await sleep(Math.random() * 80);
      child.kill();
      expect(await child.end).toMatchObject({ signal: 'SIGKILL', stderr: '' });
      const names = await readdir(blobs).catch(() => []);
      for (const name of names)
        expect(digestOf(await readFile(join(blobs, name)))).toBe(`sha256:${name}`);
      const text = await readFile(join(dir, 'index.json'), 'utf8').catch(() => '{"manifests":[]}');
      for (const { digest } of (JSON.parse(text) as ImageIndex).manifests)
        expect(names).toContain(digest.slice('sha256:'.length));
      looked += names.length;
      if (kill % 20 === 19) await (await openCache(dir)).clear();
    }
    if (process.env['OCI_SOAK_CACHE_KILLS'] !== undefined)
      process.stdout.write(`${kills} kills, ${looked} blobs looked at, none bad\n`);
  },
  60 * 60_000,
);
