import { compare, timesAsFast } from '../harness/compare.mjs';
import { pushRandomImage } from '../harness/content.mjs';
import { expectFiles } from '../harness/outputs.mjs';
import { ourCommand, ourPuller, peerPullers } from '../harness/pullers.mjs';
import { startDockerRegistry } from '../harness/registry.mjs';
import { fasterThan, missingRegistry } from '../harness/verdict.mjs';

/** Many small layers far away: what counts is how many are asked for at once. */
/** @type {import('../harness/bench.mjs').BenchCase} */
export const fortyLayers = {
  name: 'forty-layers',
  title: '40 layers of 1 MiB, 40 ms round trip',
  async run(bench) {
    const registry = await startDockerRegistry(bench.scope);
    if (!registry) throw missingRegistry();
    const target = { host: '127.0.0.1', port: registry.port };
    const image = await pushRandomImage(registry.host, {
      repository: 'bench/forty-layers',
      sizes: Array.from({ length: 40 }, () => 1024 * 1024),
    });
    const link = await bench.link({ target, roundTripMs: 40 });
    const rows = await compare(bench, {
      contestants: [ourPuller(image), ourCommand(image), ...peerPullers(image)],
      host: link.host,
      front: await bench.front({ target }),
      check: (out) => expectFiles(out, image.digests),
    });
    const wanted = { target: '1.5 times as fast as the best of them', times: 1.5 };
    return { rows, verdicts: [fasterThan(timesAsFast(rows), wanted)] };
  },
};
