import { expectFiles } from '../harness/outputs.mjs';
import { pushRandomImage } from '../harness/content.mjs';
import { holdConnections } from '../harness/connections.mjs';
import { measure, peakOf, residentOf } from '../harness/process.mjs';
import { ourPuller } from '../harness/pullers.mjs';
import { startOciServer } from '../harness/registry.mjs';
import { mebibytes } from '../harness/table.mjs';

const mebibyte = 1024 * 1024;

/** Whether memory grows with what is moved, or with who is connected. */
/** @type {import('../harness/bench.mjs').BenchCase} */
export const memory = {
  name: 'memory',
  title:
    'memory of client and server for a blob of 10 MiB and of 8 GiB, and of the server for connections',
  async run(bench) {
    const blobs = [];
    for (const size of [10 * mebibyte, bench.size(8192 * mebibyte)]) {
      bench.progress(`a blob of ${mebibytes(size)} MiB`);
      blobs.push({ size, ...(await moveBlob(bench, size)) });
    }
    const connections = await loadServer(bench);
    const [small, large] = blobs;
    const grows = (/** @type {'client' | 'server'} */ side) => {
      const [a, b] = [small?.[side] ?? NaN, large?.[side] ?? NaN];
      return {
        target: `flat in the ${side} from 10 MiB to ${mebibytes(large?.size ?? 0)} MiB`,
        ours: `${mebibytes(a)} and ${mebibytes(b)} MiB`,
        best: '',
        ratio: (b / a).toFixed(2),
        isMet: b - a <= 128 * mebibyte,
      };
    };
    return {
      rows: [
        ...blobs.flatMap(({ size, client, server }) => [
          { name: `client, pulls ${mebibytes(size)} MiB`, isOurs: true, peakBytes: client },
          {
            name: `oci-server, takes and gives ${mebibytes(size)} MiB`,
            isOurs: true,
            peakBytes: server,
          },
        ]),
        ...connections.map(({ name, peakBytes }) => ({ name, isOurs: true, peakBytes })),
      ],
      verdicts: [
        grows('client'),
        grows('server'),
        ...connections.slice(1).map(({ name, peakBytes }) => ({
          target: `${name}: at most 300 MiB`,
          ours: `${mebibytes(peakBytes)} MiB`,
          best: '',
          ratio: '',
          isMet: peakBytes <= 300 * mebibyte,
        })),
      ],
    };
  },
};

/**
 * The peaks of a server that takes and gives a blob, and of the client that pulls it.
 *
 * @param {import('../harness/bench.mjs').Bench} bench
 * @param {number} size
 */
async function moveBlob(bench, size) {
  const server = await startOciServer(bench.scope);
  const image = await pushRandomImage(server.host, { repository: 'bench/memory', sizes: [size] });
  const out = await bench.scope.temporaryDirectory('memory');
  const command = ourPuller(image).command({ host: server.host, out });
  const { peakBytes } = await measure(command, bench.scope);
  await expectFiles(out, image.digests);
  return { client: peakBytes, server: peakOf(server.pid) };
}

/**
 * @param {import('../harness/bench.mjs').Bench} bench
 * @returns {Promise<{ name: string, peakBytes: number }[]>}
 */
async function loadServer(bench) {
  const server = await startOciServer(bench.scope);
  const image = await pushRandomImage(server.host, {
    repository: 'bench/load',
    sizes: [64 * mebibyte],
  });
  const path = `/v2/${image.repository}/blobs/${image.digests[0]}`;
  const found = [{ name: 'oci-server, no connection', peakBytes: residentOf(server.pid) }];
  for (const { count, isActive, name } of [
    { count: 1000, isActive: false, name: 'oci-server, 1,000 idle connections' },
    { count: 500, isActive: true, name: 'oci-server, 500 connections that read slowly' },
  ]) {
    bench.progress(name);
    const held = await holdConnections(server, { count, path, isActive });
    bench.scope.defer(held.close);
    found.push({ name, peakBytes: residentOf(server.pid) });
    await held.close();
  }
  return found;
}
