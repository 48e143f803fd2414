import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

import { withFileLock } from '@oci/files';
import { digestOf } from '@oci/spec-types/node';
import {
  type ArtifactBytes,
  type TestRegistry,
  compile,
  guideArtifact,
  peer,
  randomBytes,
  run,
  startRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { expect, it } from 'vitest';

/** `OCI_SOAK_ROUNDS=30 OCI_SOAK_PROCESSES=8 OCI_SOAK_ARTIFACTS=20` for the long run. */
const rounds = Number(process.env['OCI_SOAK_ROUNDS'] ?? 2);
const processes = Number(process.env['OCI_SOAK_PROCESSES'] ?? 3);
const artifacts = Number(process.env['OCI_SOAK_ARTIFACTS'] ?? 4);
const isLong = process.env['OCI_SOAK_ROUNDS'] !== undefined;

/** Pulls all that it is given in an order of its own, some at once. */
const worker = `
  import { OciManager } from '../../src/manager.js';
  const [registryUrl, cacheDir, userAgent, version, count] = process.argv.slice(2);
  const manager = new OciManager({
    registryUrl, namespace: 'team', cacheDir, credentials: async () => undefined, connection: { userAgent },
  });
  process.stdout.write('begun');
  const names = Array.from({ length: Number(count) }, (_, at) => 'p' + at).sort(() => Math.random() - 0.5).values();
  const lane = async () => { for (const name of names) await manager.pullKclPackage(name, version); };
  await Promise.all([lane(), lane(), lane()]);
  await manager.close();`;

function artifactOf(at: number, version: string): ArtifactBytes {
  const seed = Number(version.replaceAll('.', '')) * 100 + at;
  const size = 10_000 + ((at * 7919) % 20) * 60_000;
  const payload = Buffer.from(randomBytes(seed, size)).toString('base64');
  return guideArtifact({ version, files: { payload } });
}

/** Which processes asked for the content of each digest. */
function fetchersOf(
  registry: TestRegistry,
  all: readonly ArtifactBytes[],
): Map<string, Set<string>> {
  const fetchers = new Map<string, Set<string>>();
  for (const { manifest, blobs } of all)
    for (const { descriptor } of [...blobs, manifest]) fetchers.set(descriptor.digest, new Set());
  for (const { method, path, headers } of registry.requests) {
    if (method !== 'GET') continue;
    const [, name = '', kind, reference = ''] =
      /^\/v2\/kcl\/p(\d+)\/(\w+)\/([^/]+)$/.exec(path) ?? [];
    const digest = kind === 'manifests' ? all[Number(name)]?.manifest.descriptor.digest : reference;
    fetchers.get(digest ?? '')?.add(String(headers['user-agent']));
  }
  return fetchers;
}

it(
  'downloads each digest once for processes that share a cache, though one of them is killed in each round',
  async () => {
    await using registry = await startRegistry();
    await using work = await temporaryDirectory('oci-soak-');
    const cacheDir = join(work.path, 'cache');
    const program = await compile(worker, { from: import.meta.url, directory: work.path });
    const known = new Set<string>();
    const totals = { killed: 0, fetched: 0, takenOver: 0 };
    let usualMs = 800;
    for (let round = 1; round <= rounds; round += 1) {
      const version = `1.0.${round}`;
      const all = Array.from({ length: artifacts }, (_, at) => artifactOf(at, version));
      for (const [at, artifact] of all.entries())
        registry.putArtifact(`kcl/p${at}`, version, artifact);
      registry.clearRequests();
      const began = performance.now();
      const children = Array.from({ length: processes }, (_, at) =>
        spawn(
          process.execPath,
          [program, registry.url, cacheDir, `worker-${at}`, version, String(artifacts)],
          { stdio: ['ignore', 'pipe', 'pipe'] },
        ),
      );
      const ends = children.map(async (child) => {
        const [stderr, [code]] = await Promise.all([textOf(child.stderr), once(child, 'close')]);
        return { code: code as number | null, stderr };
      });
      const at = Math.floor(Math.random() * processes);
      const victim = children[at] as ChildProcess;
      if (victim.stdout) await Promise.race([once(victim.stdout, 'data'), ends[at]]);
      await sleep(Math.random() * usualMs);
      if (victim.exitCode === null) totals.killed += 1;
      victim.kill('SIGKILL');
      const survivors = await Promise.all(ends);
      usualMs = Math.max(100, (performance.now() - began) * 0.6);
      survivors.splice(at, 1);
      expect(survivors).toEqual(survivors.map(() => ({ code: 0, stderr: '' })));

      for (const [digest, who] of fetchersOf(registry, all)) {
        if (known.has(digest)) continue;
        known.add(digest);
        const others = [...who].filter((name) => name !== `worker-${at}`);
        expect({ digest, fetchers: others.length <= 1 && who.size > 0 }).toEqual({
          digest,
          fetchers: true,
        });
        totals.fetched += 1;
        if (who.size === 2) totals.takenOver += 1;
      }
      const blobs = join(cacheDir, 'blobs/sha256');
      for (const name of await readdir(blobs))
        expect(digestOf(await readFile(join(blobs, name)))).toBe(`sha256:${name}`);
      await expectReadable(
        cacheDir,
        all.map((_, at) => `${registry.host}/kcl/p${at}:${version}`),
      );
    }
    // A process that was killed may leave its locks; they are free, or a moment later when they don't say whose they are.
    const locks = join(cacheDir, '.locks/downloads');
    for (const name of await readdir(locks)) {
      const lock = withFileLock(join(locks, name), async () => 'free', { patienceMs: 10_000 });
      await expect(lock).resolves.toBe('free');
    }
    if (isLong) {
      const { killed, fetched, takenOver } = totals;
      const what = `${rounds} rounds of ${processes} processes and ${artifacts} artifacts`;
      process.stdout.write(
        `${what}: ${killed} killed while they ran, ${fetched} digests fetched, ${takenOver} of them again after their holder was killed\n`,
      );
    }
  },
  30 * 60_000,
);

/** Skopeo finds each reference, and all that it names is here. */
async function expectReadable(cacheDir: string, references: readonly string[]): Promise<void> {
  const skopeo = peer('skopeo');
  const index = await readFile(join(cacheDir, 'index.json'), 'utf8');
  for (const reference of references) {
    expect(index).toContain(`"${reference}"`);
    if (!skopeo) continue;
    const { exitCode, stderr } = await run(skopeo, [
      'inspect',
      '--raw',
      `oci:${cacheDir}:${reference}`,
    ]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  }
}
