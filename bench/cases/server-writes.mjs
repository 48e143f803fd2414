import { createHash } from 'node:crypto';

import { randomChunks } from '../harness/content.mjs';
import { cpuMsOf, peakOf } from '../harness/process.mjs';
import { pushNewImage, pusherTo } from '../harness/push-load.mjs';
import {
  startDistribution3,
  startDistribution3InBucket,
  startDockerRegistry,
  startOciServer,
  startOciServerInBucket,
  startOciServerWithoutFlush,
} from '../harness/registry.mjs';
import { spreadOf } from '../harness/statistics.mjs';
import { count } from '../harness/table.mjs';

const clients = 16;
const layerBytes = 10 * 1024;
const largeBytes = 256 * 1024 * 1024;

/** @typedef {import('../harness/registry.mjs').RunningRegistry} RunningRegistry */
/** @typedef {{ perSecond: number, cpuMs: number }} Measured `cpuMs` of the server, for one of what is counted */

/** What is pushed, and how: each returns what a server managed in a second. */
const writes = [
  { name: `images of a layer of 10 KiB, ${clients} clients`, run: pushSmall },
  { name: 'blob of 256 MiB, one client', run: pushLarge },
];

/** How much a server takes, in files and in a bucket; the client takes a part of the machine, too. */
/** @type {import('../harness/bench.mjs').BenchCase} */
export const serverWrites = {
  name: 'server-writes',
  title: 'pushes to a registry server',
  async run(bench) {
    const starts = [
      startOciServer,
      startDockerRegistry,
      startDistribution3,
      startOciServerWithoutFlush,
      startOciServerInBucket,
      startDistribution3InBucket,
    ];
    const servers = [];
    for (const start of starts) {
      const server = await start(bench.scope);
      if (server) servers.push(server);
    }
    const rows = [];
    const verdicts = [];
    for (const write of writes) {
      const results = await measureAll(bench, servers, write);
      rows.push(...results);
      verdicts.push(...verdictsOf(results, write));
    }
    return { rows, verdicts };
  },
};

/**
 * @param {import('../harness/bench.mjs').Bench} bench
 * @param {readonly RunningRegistry[]} servers
 * @param {(typeof writes)[number]} write
 */
async function measureAll(bench, servers, { name, run }) {
  const runs = servers.map((server) => ({
    server,
    measured: /** @type {Measured[]} */ ([]),
  }));
  for (let round = 0; round < bench.rounds; round += 1) {
    for (const { server, measured } of runs) {
      bench.progress(`${name}: ${server.name}, round ${round + 1} of ${bench.rounds}`);
      measured.push(await run(bench, server, round));
    }
  }
  return runs.map(({ server, measured }) => ({
    name: `${name}: ${server.name}`,
    isOurs: server.name.startsWith('oci-server'),
    perSecond: spreadOf(measured.map(({ perSecond }) => perSecond)),
    peakBytes: peakOf(server.pid),
    more: { 'CPU ms each': spreadOf(measured.map(({ cpuMs }) => cpuMs)).median },
  }));
}

/**
 * @param {import('../harness/bench.mjs').Bench} bench
 * @param {RunningRegistry} server
 * @param {number} round
 * @returns {Promise<Measured>}
 */
async function pushSmall(bench, { host, pid }, round) {
  const pusher = pusherTo(host, clients);
  const images = bench.size(400);
  let next = 0;
  const client = async () => {
    for (let image = next++; image < images; image = next++)
      await pushNewImage(pusher, {
        repository: `bench/small-${image % 20}`,
        tag: `${round}-${image}`,
        layerBytes,
      });
  };
  const before = cpuMsOf(pid);
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: clients }, client));
  const tookMs = performance.now() - startedAt;
  pusher.close();
  return { perSecond: (images / tookMs) * 1000, cpuMs: (cpuMsOf(pid) - before) / images };
}

/**
 * @param {import('../harness/bench.mjs').Bench} bench
 * @param {RunningRegistry} server
 * @param {number} round
 * @returns {Promise<Measured>}
 */
async function pushLarge(bench, { host, pid }, round) {
  const size = bench.size(largeBytes);
  // Made before, so that only the server hashes while it is measured.
  const chunks = [...randomChunks(1000 + round, size)];
  const hash = createHash('sha256');
  for (const chunk of chunks) hash.update(chunk);
  const blob = { size, digest: `sha256:${hash.digest('hex')}`, chunks: () => chunks };
  const pusher = pusherTo(host, 1);
  const before = cpuMsOf(pid);
  const startedAt = performance.now();
  await pusher.pushLargeBlob('bench/large', blob);
  const tookMs = performance.now() - startedAt;
  pusher.close();
  return { perSecond: 1000 / tookMs, cpuMs: cpuMsOf(pid) - before };
}

/**
 * @param {readonly import('../harness/compare.mjs').Row[]} rows
 * @param {(typeof writes)[number]} write
 * @returns {import('../harness/bench.mjs').Verdict[]}
 */
function verdictsOf(rows, write) {
  const nameOf = (/** @type {import('../harness/compare.mjs').Row} */ row) =>
    row.name.slice(write.name.length + 2);
  return rows
    .filter(({ isOurs }) => !isOurs)
    .map((row) => {
      const name = nameOf(row);
      // Those in a bucket are compared with each other.
      const own = name.endsWith(', bucket') ? 'oci-server, bucket' : 'oci-server';
      const ours = rows.find((each) => nameOf(each) === own)?.perSecond?.median ?? 0;
      const theirs = row.perSecond?.median ?? 0;
      return {
        target: `${write.name}: as many as ${name}`,
        ours: `${count(ours)}/s`,
        best: `${count(theirs)}/s (${name})`,
        ratio: (ours / theirs).toFixed(2),
        isMet: ours >= theirs,
      };
    });
}
