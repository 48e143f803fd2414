import { createHash } from 'node:crypto';

import { pushRandomImage } from '../harness/content.mjs';
import { accepted, load } from '../harness/load.mjs';
import {
  startDistribution3,
  startDistribution3InBucket,
  startDockerRegistry,
  startOciServer,
  startOciServerInBucket,
  startZot,
} from '../harness/registry.mjs';
import { spreadOf } from '../harness/statistics.mjs';
import { count } from '../harness/table.mjs';

const connections = 16;

/** What is read, and how many times as many answers as docker-registry are wanted. */
const reads = [
  { name: 'manifest', bytes: 100 * 1024, path: 'manifest', times: 15, seconds: 3 },
  { name: '100 KiB blob', bytes: 100 * 1024, path: 'blob', times: 6, seconds: 3 },
  { name: '256 MiB blob', bytes: 256 * 1024 * 1024, path: 'blob', times: 0.9, seconds: 6 },
];

/** How many answers a second a server gives on all the cores there are, beside the program that asks. */
/** @type {import('../harness/bench.mjs').BenchCase} */
export const serverReads = {
  name: 'server-reads',
  title: `reads from a registry server, ${connections} connections, by wrk`,
  async run(bench) {
    const starts = [
      startOciServer,
      startDockerRegistry,
      startDistribution3,
      startZot,
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
    for (const read of reads) {
      const results = await readAll(bench, servers, read);
      rows.push(...results);
      verdicts.push(...verdictsOf(results, read));
    }
    return { rows, verdicts };
  },
};

/**
 * @param {import('../harness/bench.mjs').Bench} bench
 * @param {readonly import('../harness/registry.mjs').RunningRegistry[]} servers
 * @param {(typeof reads)[number]} read
 * @returns {Promise<import('../harness/compare.mjs').Row[]>}
 */
async function readAll(bench, servers, read) {
  const targets = [];
  for (const server of servers) {
    const repository = `bench/${read.path}-${read.bytes}`;
    const image = await pushRandomImage(server.host, { repository, sizes: [read.bytes] });
    const end = read.path === 'manifest' ? `manifests/${image.tag}` : `blobs/${image.digests[0]}`;
    const url = `http://${server.host}/v2/${repository}/${end}`;
    targets.push({ server, url, loads: /** @type {import('../harness/load.mjs').Load[]} */ ([]) });
  }
  await expectSame(targets.map(({ url }) => url));
  for (let round = 0; round < bench.rounds; round += 1) {
    for (const { server, url, loads } of targets) {
      bench.progress(`${read.name}: ${server.name}, round ${round + 1} of ${bench.rounds}`);
      const seconds = bench.isQuick ? 1 : read.seconds;
      const run = { connections, seconds, bytes: read.bytes };
      loads.push(await load({ url, pid: server.pid }, run, bench.scope));
    }
  }
  return targets.map(({ server, loads }) => ({
    name: `${read.name}: ${server.name}`,
    isOurs: server.name.startsWith('oci-server'),
    perSecond: spreadOf(loads.map(({ perSecond }) => perSecond)),
    peakBytes: Math.max(...loads.map(({ peakBytes }) => peakBytes)),
    more: {
      'CPU ms per 1000': spreadOf(loads.map((each) => each.cpuMsPerThousand)).median,
    },
  }));
}

/** @param {readonly string[]} urls */
async function expectSame(urls) {
  const digests = new Set();
  for (const url of urls) {
    const response = await fetch(url, { headers: { accept: accepted } });
    if (!response.ok || !response.body) throw new Error(`${url} answers ${response.status}`);
    const hash = createHash('sha256');
    for await (const chunk of response.body) hash.update(chunk);
    digests.add(hash.digest('hex'));
  }
  if (digests.size > 1) throw new Error(`not the same: ${urls.join(' ')}`);
}

/**
 * @param {readonly import('../harness/compare.mjs').Row[]} rows
 * @param {(typeof reads)[number]} read
 * @returns {import('../harness/bench.mjs').Verdict[]}
 */
function verdictsOf(rows, read) {
  const nameOf = (/** @type {import('../harness/compare.mjs').Row} */ row) =>
    row.name.slice(read.name.length + 2);
  return rows
    .filter(({ isOurs }) => !isOurs)
    .map((row) => {
      const name = nameOf(row);
      // Those in a bucket are compared with each other.
      const own = name.endsWith(', bucket') ? 'oci-server, bucket' : 'oci-server';
      const ours = rows.find((each) => nameOf(each) === own)?.perSecond?.median ?? 0;
      const theirs = row.perSecond?.median ?? 0;
      const times = name === 'docker-registry' ? read.times : 1;
      return {
        target: `GET ${read.name}: ${times} times ${name}`,
        ours: `${count(ours)}/s`,
        best: `${count(theirs)}/s (${name})`,
        ratio: (ours / theirs).toFixed(2),
        isMet: ours >= times * theirs,
      };
    });
}
