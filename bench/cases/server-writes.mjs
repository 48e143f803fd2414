import { spawnSync } from 'node:child_process';

import { cpuMsOf, peakOf, resetPeak } from '../harness/process.mjs';
import { Pusher, newLargeContent } from '../harness/push-load.mjs';
import {
  startDistribution3,
  startDistribution3InBucket,
  startDockerRegistry,
  startOciServer,
  startOciServerInBucket,
  startOciServerWithoutFlush,
} from '../harness/registry.mjs';
import { spreadOf } from '../harness/statistics.mjs';
import { count, seconds } from '../harness/table.mjs';

const clients = 16;
const artifacts = 1000;
const artifactBytes = 1000;
const repositories = 20;
const mebibyte = 1024 * 1024;

/** @typedef {import('../harness/registry.mjs').RunningRegistry} RunningRegistry */
/** @typedef {{ wallMs: number, cpuMs: number, bucketCpuMs: number, peakBytes: number }} Measured */

/**
 * @typedef {object} Write
 * @property {string} name
 * @property {(server: RunningRegistry) => boolean} [isFor] which servers it is for; all when absent
 * @property {number} amount pushed at a time
 * @property {(server: RunningRegistry, how: How) => Promise<() => Promise<void>>} prepare what has to be there before the clock runs
 */

/** @typedef {{ amount: number, round: number, after: (check: () => Promise<void>) => void }} How */

/** @type {Write[]} */
const writes = [
  {
    name: `${count(artifacts)} artifacts of 1 kB, ${clients} clients`,
    amount: artifacts,
    prepare: prepareArtifacts,
  },
  {
    name: 'blob of 1 GiB',
    amount: 1024,
    isFor: ({ bucketPid }) => bucketPid === undefined,
    prepare: prepareLargeBlob,
  },
  {
    name: 'blob of 256 MiB',
    amount: 256,
    isFor: ({ bucketPid }) => bucketPid !== undefined,
    prepare: prepareLargeBlob,
  },
];

/** How fast a server takes what is pushed, on files and in a bucket; the client takes a part of the machine, too. */
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
      const of = servers.filter((server) => write.isFor?.(server) ?? true);
      const results = await measureAll(bench, of, write);
      rows.push(...results);
      verdicts.push(...verdictsOf(results, write));
    }
    return { rows, verdicts };
  },
};

/**
 * @param {import('../harness/bench.mjs').Bench} bench
 * @param {readonly RunningRegistry[]} servers
 * @param {Write} write
 */
async function measureAll(bench, servers, write) {
  const amount = bench.size(write.amount);
  const runs = servers.map((server) => ({
    server,
    measured: /** @type {Measured[]} */ ([]),
  }));
  for (let round = 0; round < bench.rounds; round += 1) {
    for (const { server, measured } of runs) {
      bench.progress(`${write.name}: ${server.name}, round ${round + 1} of ${bench.rounds}`);
      measured.push(await measureOne(server, write, { amount, round }));
    }
  }
  return runs.map(({ server, measured }) => ({
    name: `${write.name}: ${server.name}`,
    isOurs: server.name.startsWith('oci-server'),
    wallMs: spreadOf(measured.map(({ wallMs }) => wallMs)),
    perSecond: spreadOf(measured.map(({ wallMs }) => (amount / wallMs) * 1000)),
    cpuMs: spreadOf(measured.map(({ cpuMs }) => cpuMs)).median,
    peakBytes: Math.max(...measured.map(({ peakBytes }) => peakBytes)),
    ...(server.bucketPid !== undefined && {
      more: { 'CPU s of the bucket': bucketSeconds(measured) },
    }),
  }));
}

/** @param {readonly Measured[]} measured */
function bucketSeconds(measured) {
  return seconds(spreadOf(measured.map(({ bucketCpuMs }) => bucketCpuMs)).median);
}

/**
 * @param {RunningRegistry} server
 * @param {Write} write
 * @param {{ amount: number, round: number }} how
 * @returns {Promise<Measured>}
 */
async function measureOne(server, write, how) {
  const checks = /** @type {(() => Promise<void>)[]} */ ([]);
  const push = await write.prepare(server, { ...how, after: (check) => checks.push(check) });
  const { pid, bucketPid } = server;
  const bucketCpuMs = () => (bucketPid === undefined ? 0 : cpuMsOf(bucketPid));
  // What an earlier run wrote must not be written back during this one.
  spawnSync('sync');
  resetPeak(pid);
  const before = { cpuMs: cpuMsOf(pid), bucketCpuMs: bucketCpuMs() };
  const startedAt = performance.now();
  await push();
  const measured = {
    wallMs: performance.now() - startedAt,
    cpuMs: cpuMsOf(pid) - before.cpuMs,
    bucketCpuMs: bucketCpuMs() - before.bucketCpuMs,
    peakBytes: peakOf(pid),
  };
  for (const check of checks) await check();
  return measured;
}

/**
 * @param {RunningRegistry} server
 * @param {How} how
 */
async function prepareArtifacts({ host }, { amount, round, after }) {
  const pusher = new Pusher(host, clients);
  const artifact = (/** @type {number} */ at) => ({
    repository: `bench/small-${at % repositories}`,
    tag: `${round}-${at}`,
    bytes: artifactBytes,
  });
  for (let at = 0; at < repositories; at += 1)
    await pusher.pushEmptyConfig(artifact(at).repository);
  after(async () => {
    for (let at = 0; at < amount; at += 50) await pusher.expectArtifact(artifact(at));
    pusher.close();
  });
  return async () => {
    const numbers = Array.from({ length: amount }, (_, at) => at).values();
    const client = async () => {
      for (const at of numbers) await pusher.pushArtifact(artifact(at));
    };
    await Promise.all(Array.from({ length: clients }, client));
  };
}

/**
 * @param {RunningRegistry} server
 * @param {How} how
 */
async function prepareLargeBlob({ host }, { amount, after }) {
  const pusher = new Pusher(host, 1);
  const content = newLargeContent(amount * mebibyte);
  after(async () => {
    await pusher.expectBlob('bench/large', content);
    pusher.close();
  });
  return () => pusher.pushBlob('bench/large', content);
}

/**
 * @param {readonly import('../harness/compare.mjs').Row[]} rows
 * @param {Write} write
 * @returns {import('../harness/bench.mjs').Verdict[]}
 */
function verdictsOf(rows, write) {
  const nameOf = (/** @type {import('../harness/compare.mjs').Row} */ row) =>
    row.name.slice(write.name.length + 2);
  const wallMsOf = (/** @type {import('../harness/compare.mjs').Row | undefined} */ row) =>
    row?.wallMs?.median ?? NaN;
  return rows
    .filter(({ isOurs }) => !isOurs)
    .map((row) => {
      const name = nameOf(row);
      // Those in a bucket are compared with each other.
      const own = name.endsWith(', bucket') ? 'oci-server, bucket' : 'oci-server';
      const ours = wallMsOf(rows.find((each) => nameOf(each) === own));
      const theirs = wallMsOf(row);
      return {
        target: `push ${write.name}: as fast as ${name}`,
        ours: `${seconds(ours)} s`,
        best: `${seconds(theirs)} s (${name})`,
        ratio: (theirs / ours).toFixed(2),
        isMet: ours <= theirs,
      };
    });
}
