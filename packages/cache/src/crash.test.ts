import { Buffer } from 'node:buffer';
import type promises from 'node:fs/promises';

import { type Descriptor, parseRegistryHost, parseRepositoryName, parseTag } from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';
import { inChunks, kclPackage, randomBytes, temporaryDirectory } from '@oci/testing';
import { afterAll, beforeEach, expect, test, vi } from 'vitest';

import { type Cache, openCache } from './cache.js';

type Fs = typeof promises;
type AnyFunction = (...args: never[]) => Promise<unknown>;

/** The file system of a process that can be killed, and lose its power, at any call that changes something. */
const machine = vi.hoisted(() => ({
  /** Changes until it dies. */
  left: Infinity,
  /** Whether the last change, when it writes bytes, writes half of them. */
  half: false,
  dead: false,
  changes: 0,
  /** Inodes whose bytes may not have reached the disk. */
  dirty: new Set<number>(),
  real: undefined as Fs | undefined,
}));

// Modules are shared among test files; those that see the replaced one must not be.
vi.hoisted(() => vi.resetModules());
afterAll(() => vi.resetModules());
vi.mock('node:fs/promises', async (original) => {
  const real = await original<Fs>();
  machine.real = real;
  const die = (): never => {
    machine.dead = true;
    throw new Error('the process was killed');
  };
  /** @returns whether it is the last change, which is made by half */
  const change = (): boolean => {
    if (machine.dead) die();
    machine.changes += 1;
    if (machine.changes <= machine.left) return false;
    if (machine.half) return true;
    return die();
  };
  const alive = (): void => {
    if (machine.dead) die();
  };
  const soil = async (path: unknown): Promise<void> => {
    machine.dirty.add((await real.stat(path as string)).ino);
  };
  const halfOf = (data: unknown): unknown => {
    if (typeof data === 'string') return data.slice(0, data.length / 2);
    if (Array.isArray(data)) return data.slice(0, data.length / 2);
    return (data as Uint8Array).subarray(0, (data as Uint8Array).byteLength / 2);
  };

  const handleOf = (handle: Awaited<ReturnType<Fs['open']>>): typeof handle => {
    const writes = new Set(['write', 'writev', 'writeFile', 'appendFile']);
    const others = new Set(['sync', 'truncate']);
    return new Proxy(handle, {
      get(target, name: string) {
        const value = Reflect.get(target, name, target) as unknown;
        if (typeof value !== 'function' || name === 'close') return bound(value, target);
        if (!writes.has(name) && !others.has(name)) return bound(value, target);
        return async (...args: unknown[]) => {
          const isHalf = change();
          const { ino } = await target.stat();
          if (isHalf) {
            if (!writes.has(name)) die();
            machine.dirty.add(ino);
            const [data, offset] = args;
            // A buffer that is written from an offset on is written up to its middle.
            if (offset === undefined || typeof data === 'string' || Array.isArray(data))
              await (value as AnyFunction).call(target, halfOf(data) as never);
            die();
          }
          const result = await (value as AnyFunction).apply(target, args as never[]);
          if (name === 'sync') machine.dirty.delete(ino);
          else machine.dirty.add(ino);
          return result;
        };
      },
    });
  };
  const bound = (value: unknown, target: object): unknown =>
    typeof value === 'function' ? (value as AnyFunction).bind(target as never) : value;

  const reads = ['readFile', 'readdir', 'stat', 'statfs'] as const;
  const names = ['rename', 'link', 'unlink', 'rm', 'rmdir', 'mkdir', 'utimes', 'truncate'] as const;
  const written = ['writeFile', 'appendFile'] as const;
  const wrapped: Record<string, unknown> = {};
  for (const name of reads)
    wrapped[name] = async (...args: never[]) => {
      alive();
      return (real[name] as AnyFunction)(...args);
    };
  for (const name of names)
    wrapped[name] = async (...args: never[]) => {
      if (change()) die();
      return (real[name] as AnyFunction)(...args);
    };
  for (const name of written)
    wrapped[name] = async (path: string, data: unknown, ...rest: never[]) => {
      const isHalf = change();
      await (real[name] as AnyFunction)(
        path as never,
        (isHalf ? halfOf(data) : data) as never,
        ...rest,
      );
      await soil(path);
      if (isHalf) die();
    };
  wrapped['copyFile'] = async (from: string, to: string, mode?: number) => {
    if (change()) die();
    await real.copyFile(from, to, mode);
    await soil(to);
  };
  wrapped['open'] = async (path: string, flags?: string, mode?: number) => {
    if (flags === undefined || flags === 'r') alive();
    else if (change()) die();
    return handleOf(await real.open(path, flags, mode));
  };
  return { ...real, ...wrapped };
});

beforeEach(() => {
  Object.assign(machine, { left: Infinity, half: false, dead: false, changes: 0 });
  machine.dirty.clear();
});

function fs(): Fs {
  if (!machine.real) throw new Error('the file system was not wrapped');
  return machine.real;
}

/** What was not synced is gone: zeros of the same length, with the same time. */
async function losePower(dir: string): Promise<void> {
  for (const path of await filesBelow(dir)) {
    const info = await fs().stat(path);
    if (!machine.dirty.has(info.ino)) continue;
    await fs().writeFile(path, Buffer.alloc(info.size));
    await fs().utimes(path, info.atime, info.mtime);
  }
}

async function filesBelow(dir: string): Promise<readonly string[]> {
  const entries = await fs().readdir(dir, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`);
}

const key = {
  registry: parseRegistryHost('localhost:5000'),
  repository: parseRepositoryName('kcl/core'),
  tag: parseTag('1.0.0'),
};
const artifact = kclPackage({ name: 'core', version: '1.0.0' });
const large = randomBytes(1, 1_100_000);
const largeBlob: Descriptor = {
  mediaType: 'application/octet-stream',
  digest: digestOf(large),
  size: large.byteLength,
};

/** What a pull does, step by step, and a pruning that removes it again. */
async function pull(cache: Cache): Promise<void> {
  await using lease = cache.lease();
  const { descriptor, bytes } = artifact.manifest;
  const blobs = [...artifact.blobs.map((blob) => blob.descriptor), largeBlob];
  await lease.add([descriptor.digest, ...blobs.map(({ digest }) => digest)]);
  await cache.content.pushBlob(descriptor, inChunks(bytes, 200));
  const { mediaType, digest, size } = descriptor;
  const entry = { mediaType, digest, size, resolvedAt: Date.now(), source: key.registry };
  await cache.references.set(key, entry);
  for (const blob of artifact.blobs)
    await cache.downloads.obtain(blob.descriptor, {
      fetchBlob: async () => inChunks(blob.bytes, 1000),
    });
  await cache.downloads.obtain(largeBlob, {
    fetchBlob: () => Promise.reject(new Error('it comes as a file')),
    async downloadBlob(blob, path) {
      const { writeFile } = await import('node:fs/promises');
      await writeFile(path, large);
      return { descriptor: blob, path, __brand: 'VerifiedFile' };
    },
  });
  await cache.references.complete(key, descriptor);
  const layer = artifact.blobs[1] && (await cache.content.get(artifact.blobs[1].descriptor));
  if (!layer) throw new Error('the layer was just stored');
  const name = { kind: 'kcl', name: 'core', version: '1.0.0' } as const;
  await cache.files.materialize({ name, reference: key, manifestDigest: digest, blob: layer });
}

async function prune(cache: Cache): Promise<void> {
  await cache.prune({ maxUnusedDays: 0, graceMs: 0 }, { now: Date.now() + 1000 });
}

/** Whatever happened: no bad blob under its name, and no name of a manifest that is not all here. */
async function expectSound(dir: string): Promise<void> {
  for (const path of await filesBelow(`${dir}/blobs`).catch(() => [])) {
    expect(`${path.split('/').at(-1)}`).toBe(digestOf(await fs().readFile(path)).split(':')[1]);
  }
  const index = await fs()
    .readFile(`${dir}/index.json`, 'utf8')
    .catch(() => '{"manifests":[]}');
  const { manifests } = JSON.parse(index) as { manifests: Descriptor[] };
  const cache = await openCache(dir);
  for (const entry of manifests) {
    expect(await cache.content.hasBlob(entry)).toBe(true);
    for (const { descriptor } of artifact.blobs)
      expect(await cache.content.hasBlob(descriptor)).toBe(true);
  }
}

/** How many changes a run makes, on a directory that something was done to before. */
async function changesOf(
  run: (cache: Cache) => Promise<void>,
  before: (cache: Cache) => Promise<void>,
): Promise<number> {
  await using directory = await temporaryDirectory();
  await before(await openCache(directory.path));
  machine.changes = 0;
  await run(await openCache(directory.path));
  return machine.changes;
}

/** What a death leaves of the last change, and what the power takes along. */
const ways = [
  { half: false, power: false },
  { half: true, power: true },
  { half: false, power: true },
  { half: true, power: false },
] as const;
/** With `OCI_SOAK_CRASHES` every change in every way; else every seventh, each in another. */
const step = process.env['OCI_SOAK_CRASHES'] ? 1 : 7;

const nothing = async (): Promise<void> => {};

test.each([
  ['a pull', pull, nothing],
  ['a pruning', prune, pull],
] as const)(
  'keeps no bad blob of %s that is killed at any change, or loses its power there',
  async (_, run, before) => {
    const count = await changesOf(run, before);
    expect(count).toBeGreaterThan(30);
    if (step === 1) process.stdout.write(`${count} changes\n`);
    for (let left = 0; left < count; left += step) {
      const looked = step === 1 ? ways : [ways[(left / step) % ways.length] ?? ways[0]];
      for (const { half, power } of looked) {
        await using directory = await temporaryDirectory();
        machine.left = Infinity;
        await before(await openCache(directory.path));
        Object.assign(machine, { left, half, changes: 0 });
        machine.dirty.clear();
        await openCache(directory.path)
          .then(run)
          .catch(() => {});
        if (power) await losePower(directory.path);
        Object.assign(machine, { left: Infinity, dead: false });
        await expectSound(directory.path);
        // Nothing that was left stands in the way of those who come after.
        if (left % 4 !== 0) continue;
        await revive(directory.path);
        const cache = await openCache(directory.path);
        await pull(cache);
        await expectSound(directory.path);
        await prune(cache);
        expect(await cache.index.list()).toEqual([]);
      }
    }
  },
  300_000,
);

/** The locks of a dead process: it had the number of this one, which lives. */
async function revive(dir: string): Promise<void> {
  for (const path of await filesBelow(`${dir}/.locks`).catch(() => []))
    await fs().writeFile(path, 'free');
  await fs().rm(`${dir}/state/leases`, { recursive: true, force: true });
}
