import { pushKclPackage } from '../harness/artifacts.mjs';
import { compare, timesAsFast } from '../harness/compare.mjs';
import { ocictl } from '../harness/ocictl.mjs';
import { startDockerRegistry } from '../harness/registry.mjs';
import { missingRegistry } from '../harness/verdict.mjs';
import { seconds } from '../harness/table.mjs';

/** A pull of what is in the cache: what is left is the start of a process. */
/** @type {import('../harness/bench.mjs').BenchCase} */
export const cacheHitCommand = {
  name: 'cache-hit-command',
  title: '`ocictl kcl pull` of a package in the cache',
  async run(bench) {
    const registry = await startDockerRegistry(bench.scope);
    if (!registry) throw missingRegistry();
    const { name, version } = await pushKclPackage(registry.host, bench.scope);
    const rows = await compare(bench, {
      contestants: [
        {
          name: 'ocictl',
          isOurs: true,
          command: (where) => ocictl(where, ['kcl', 'pull', name, version]),
        },
        { name: 'node -e 0', command: () => ({ file: process.execPath, args: ['-e', '0'] }) },
      ],
      host: registry.host,
      check: async () => {},
      keepsOut: true,
      rounds: bench.isQuick ? 3 : 20,
    });
    const comparison = timesAsFast(rows);
    if (!comparison) return { rows, verdicts: [] };
    const { ours, best, ratio } = comparison;
    return {
      rows,
      verdicts: [
        {
          target: 'at most 2 times `node -e 0`',
          ours: `${seconds(ours.wallMs?.median ?? 0)} s`,
          best: `${seconds(best.wallMs?.median ?? 0)} s (${best.name})`,
          ratio: ratio.toFixed(2),
          isMet: ratio >= 0.5,
        },
      ],
    };
  },
};
