import { compare, timesAsFast } from '../harness/compare.mjs';
import { pushRandomImage } from '../harness/content.mjs';
import { expectFiles } from '../harness/outputs.mjs';
import { ourCommand, ourPull, ourPuller, peerPullers } from '../harness/pullers.mjs';
import { startDockerRegistry } from '../harness/registry.mjs';
import { fasterThan, missingRegistry } from '../harness/verdict.mjs';
import { linkNote, measureLink } from '../harness/link-check.mjs';

const link = { roundTripMs: 40, bytesPerSecond: 25_000_000 };

/** A link on which one connection is slow: what parallel ranges are for. */
export const largeBlob = largeBlobCase('large-blob', 1024);

/** The same at half the size. */
export const largeBlob512 = largeBlobCase('large-blob-512', 512);

/** A quarter, which ends soon after all connections have begun; beside crane. */
export const largeBlob256 = largeBlobCase('large-blob-256', 256);

/**
 * @param {string} name
 * @param {number} mebibytes
 * @returns {import('../harness/bench.mjs').BenchCase}
 */
function largeBlobCase(name, mebibytes) {
  return {
    name,
    title: `one blob of ${mebibytes} MiB, 40 ms round trip, 25 MB/s per connection`,
    async run(bench) {
      const registry = await startDockerRegistry(bench.scope);
      if (!registry) throw missingRegistry();
      const target = { host: '127.0.0.1', port: registry.port };
      const image = await pushRandomImage(registry.host, {
        repository: `bench/${name}`,
        sizes: [bench.size(mebibytes * 1024 * 1024)],
      });
      const slow = await bench.link({ target, ...link });
      const measured = await measureLink(slow.host, image);
      const rows = await compare(bench, {
        contestants: [ourPull(image), ourPuller(image), ourCommand(image), ...peerPullers(image)],
        host: slow.host,
        front: await bench.front({ target }),
        check: (out) => expectFiles(out, image.digests),
        rounds: Math.min(bench.rounds, 3),
      });
      const wanted = { target: '6 times as fast as the best of them', times: 6 };
      return {
        rows,
        verdicts: [fasterThan(timesAsFast(rows), wanted)],
        notes: [linkNote(measured)],
      };
    },
  };
}
