import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { compile, randomBytes, temporaryDirectory } from '@oci/testing';
import { expect, test } from 'vitest';

import { LongContent, startPacedServer } from './paced-server.js';

const mebibyte = 1024 * 1024;
/** `OCI_SOAK_MIB=1024 OCI_SOAK_KILLS=20` for the long run. */
const size = Number(process.env['OCI_SOAK_MIB'] ?? 32) * mebibyte;
const kills = Number(process.env['OCI_SOAK_KILLS'] ?? 5);
const isLong = process.env['OCI_SOAK_MIB'] !== undefined;

async function hashOf(chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of chunks) hash.update(chunk);
  return `sha256:${hash.digest('hex')}`;
}

/** Moments by the bytes that went out in all, somewhere in equal parts of the way. */
function momentsOf(count: number): number[] {
  const random = randomBytes(401, count);
  return Array.from(random, (byte, at) => Math.floor(((at + byte / 256) / count) * size));
}

test(
  `a download that is killed at ${kills} moments ends as one good file, and loses little`,
  { timeout: isLong ? 600_000 : 60_000 },
  async () => {
    await using directory = await temporaryDirectory();
    const content = new LongContent(size, randomBytes(400, mebibyte));
    const digest = await hashOf(content);
    const moments = momentsOf(kills);
    let child: ChildProcess | undefined;
    await using server = await startPacedServer(content, {
      bytesPerSecond: 100_000_000,
      onSent: (total) => {
        if (child?.killed !== false || total < (moments[0] ?? Infinity)) return;
        moments.shift();
        child.kill('SIGKILL');
      },
    });
    const program = await compile(
      `import { createRegistry } from '../../src/registry.js';
       const [url, blob, path] = process.argv.slice(2);
       const registry = createRegistry({ url });
       await registry.repository('a/b').downloadBlob(JSON.parse(blob), path);
       await registry.close();`,
      { from: import.meta.url, directory: directory.path },
    );
    const path = join(directory.path, 'blob');
    const blob = JSON.stringify({ mediaType: 'a/b', digest, size });
    let died = 0;
    for (let code: number | null = null; code !== 0;) {
      expect(existsSync(path)).toBe(false);
      child = spawn(process.execPath, [program, server.url, blob, path], {
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      [code] = (await once(child, 'close')) as [number | null];
      if (code === null) died += 1;
      else if (code !== 0) throw new Error(`the download ended with ${code}`);
    }
    expect(died).toBe(kills);
    expect(await hashOf(createReadStream(path))).toBe(digest);
    expect((await readdir(directory.path)).sort()).toEqual(['blob', 'program.mjs']);
    // A kill loses what each of 12 connections has gathered, and what is on its way to it.
    expect(server.sent).toBeLessThan(size + kills * 12 * mebibyte);
    if (!isLong) return;
    const ratio = server.sent / size;
    process.stdout.write(`${died} kills, ${server.sent} bytes for ${size}: ${ratio.toFixed(3)}\n`);
    expect(ratio).toBeLessThanOrEqual(1.1);
  },
);
