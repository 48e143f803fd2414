import { compare, timesAsFast } from '../harness/compare.mjs';
import { pushRandomImage } from '../harness/content.mjs';
import { expectFiles } from '../harness/outputs.mjs';
import { ourCommand, ourPull, ourPuller, peerPullers } from '../harness/pullers.mjs';
import { startDockerRegistry } from '../harness/registry.mjs';
import { mebibytes } from '../harness/table.mjs';
import { fasterThan, missingRegistry } from '../harness/verdict.mjs';

const memoryLimit = 200 * 1024 * 1024;

/** What the machine can do without a network between: reading, hashing, writing. */
/** @type {import('../harness/bench.mjs').BenchCase} */
export const fourLayers = {
  name: 'four-layers',
  title: '1 GiB in 4 layers from docker-registry on loopback, to verified files on disk',
  async run(bench) {
    const registry = await startDockerRegistry(bench.scope);
    if (!registry) throw missingRegistry();
    const image = await pushRandomImage(registry.host, {
      repository: 'bench/four-layers',
      sizes: Array.from({ length: 4 }, () => bench.size(256 * 1024 * 1024)),
    });
    const rows = await compare(bench, {
      contestants: [ourPull(image), ourPuller(image), ourCommand(image), ...peerPullers(image)],
      host: registry.host,
      front: await bench.front({ target: { host: '127.0.0.1', port: registry.port } }),
      check: (out) => expectFiles(out, image.digests),
    });
    const peak = rows.find(({ isOurs }) => isOurs)?.peakBytes ?? 0;
    const crane = rows.filter(({ isOurs, name }) => isOurs || name === 'crane');
    return {
      rows,
      verdicts: [
        fasterThan(timesAsFast(crane), { target: 'wall at most that of crane', times: 1 }),
        {
          target: 'memory at most 200 MiB',
          ours: `${mebibytes(peak)} MiB`,
          best: '',
          ratio: '',
          isMet: peak <= memoryLimit,
        },
      ],
    };
  },
};
