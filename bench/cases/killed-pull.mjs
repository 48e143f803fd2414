import { once } from 'node:events';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { pushRandomImage } from '../harness/content.mjs';
import { expectFiles } from '../harness/outputs.mjs';
import { ourPull } from '../harness/pullers.mjs';
import { startDockerRegistry } from '../harness/registry.mjs';
import { missingRegistry } from '../harness/verdict.mjs';

const kills = 5;
const mostBytes = 1.05;

/** The bytes that kills cost. No peer goes on with what it has. */
/** @type {import('../harness/bench.mjs').BenchCase} */
export const killedPull = {
  name: 'killed-pull',
  title: `one blob of 256 MiB, 40 ms, 25 MB/s per connection, killed ${kills} times on the way`,
  async run(bench) {
    const registry = await startDockerRegistry(bench.scope);
    if (!registry) throw missingRegistry();
    const size = bench.size(256 * 1024 * 1024);
    const image = await pushRandomImage(registry.host, {
      repository: 'bench/killed-pull',
      sizes: [size],
    });
    const target = { host: '127.0.0.1', port: registry.port };
    const link = await bench.link({ target, roundTripMs: 40, bytesPerSecond: 25_000_000 });
    const front = await bench.front({ target: { host: '127.0.0.1', port: link.port } });
    const out = await bench.scope.temporaryDirectory('killed-pull');
    await mkdir(out, { recursive: true });
    const { file, args } = ourPull(image).command({ host: front.host, out });
    let died = 0;
    for (let isDone = false; !isDone;) {
      const child = bench.scope.start(file, [...args], { stdio: 'ignore' });
      const ended = once(child, 'exit');
      if (died < kills) await killAt(child, out, (size * (died + 1)) / (kills + 1));
      await ended;
      if (child.signalCode !== null) died += 1;
      isDone = child.exitCode !== null;
    }
    await expectFiles(out, image.digests);
    const { bytesReceived } = await front.traffic();
    const ratio = bytesReceived / size;
    return {
      rows: [{ name: 'ocictl pull', isOurs: true, bytesMoved: bytesReceived, more: { died } }],
      verdicts: [
        {
          target: `${mostBytes} of the bytes at most`,
          ours: `${died} kills`,
          best: '',
          ratio: ratio.toFixed(3),
          isMet: died === kills && ratio <= mostBytes,
        },
      ],
    };
  },
};

/**
 * Kills a program once so many bytes are on disk, unless it ends before.
 *
 * @param {import('node:child_process').ChildProcess} child
 * @param {string} out
 * @param {number} bytes
 */
async function killAt(child, out, bytes) {
  while (child.exitCode === null && (await allocatedBelow(out)) < bytes) await setTimeout(5);
  child.kill('SIGKILL');
}

/**
 * Bytes on disk of all files below a directory.
 *
 * @param {string} directory
 */
async function allocatedBelow(directory) {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(
    () => [],
  );
  let sum = 0;
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const info = await stat(join(entry.parentPath ?? entry.path, entry.name)).catch(
      () => undefined,
    );
    sum += (info?.blocks ?? 0) * 512;
  }
  return sum;
}
