import { pushNamespace } from '../harness/artifacts.mjs';
import { compare, timesAsFast } from '../harness/compare.mjs';
import { ocictl } from '../harness/ocictl.mjs';
import { benchProgram } from '../harness/programs.mjs';
import { startOciServer } from '../harness/registry.mjs';
import { count, mebibytes, seconds } from '../harness/table.mjs';

const versions = 5;

/** A whole namespace with the size and date of each version: one request for each of them, the first time. */
/** @type {import('../harness/bench.mjs').BenchCase} */
export const listNamespace = {
  name: 'list-namespace',
  title: `list a namespace of 1,000 packages with ${versions} versions, 10 ms round trip`,
  async run(bench) {
    const registry = await startOciServer(bench.scope);
    const target = { host: '127.0.0.1', port: registry.port };
    const packages = bench.size(1000);
    bench.progress('pushing the namespace');
    await pushNamespace(registry.host, { namespace: 'kcl', packages, versions });
    const link = await bench.link({ target, roundTripMs: 10 });
    const front = await bench.front({ target });
    const rows = [];
    const verdicts = [];
    for (const isWarm of [false, true]) {
      const title = isWarm ? 'warm' : 'cold';
      const measured = await compare(bench, {
        contestants: [
          {
            name: 'ocictl list',
            isOurs: true,
            command: (where) => ocictl(where, ['list', 'kcl', '--format', 'json']),
          },
          {
            name: 'least possible',
            command: ({ host }) => ({
              file: process.execPath,
              args: [benchProgram('list-least'), host, 'kcl', isWarm ? 'tags' : 'manifests'],
            }),
          },
        ],
        host: link.host,
        front,
        rounds: Math.min(bench.rounds, 3),
        keepsOut: isWarm,
        check: async (_, stdout) => {
          const listed = stdout.startsWith('{')
            ? JSON.parse(stdout).artifacts.length
            : Number(stdout);
          if (listed !== packages * versions) throw new Error(`${listed} versions were listed`);
        },
      });
      rows.push(...measured.map((row) => ({ ...row, name: `${title}: ${row.name}` })));
      verdicts.push(...verdictsOf(measured, title));
    }
    return { rows, verdicts };
  },
};

/**
 * @param {readonly import('../harness/compare.mjs').Row[]} rows
 * @param {string} title
 * @returns {import('../harness/bench.mjs').Verdict[]}
 */
function verdictsOf(rows, title) {
  const comparison = timesAsFast(rows);
  if (!comparison) return [];
  const { ours, best, ratio } = comparison;
  return [
    {
      target: `${title}: requests near the least possible`,
      ours: count(ours.requests ?? NaN),
      best: `${count(best.requests ?? NaN)} (${best.name})`,
      ratio: ((best.requests ?? NaN) / (ours.requests ?? NaN)).toFixed(2),
      isMet: (ours.requests ?? NaN) <= 1.05 * (best.requests ?? NaN),
    },
    {
      target: `${title}: time near the least possible`,
      ours: `${seconds(ours.wallMs?.median ?? NaN)} s, ${mebibytes(ours.peakBytes ?? NaN)} MiB`,
      best: `${seconds(best.wallMs?.median ?? NaN)} s (${best.name})`,
      ratio: ratio.toFixed(2),
      isMet: ratio >= 0.67,
    },
  ];
}
