import { pushKclPackage } from '../harness/artifacts.mjs';
import { memoryDirectory } from '../harness/memory-directory.mjs';
import { measure } from '../harness/process.mjs';
import { benchProgram } from '../harness/programs.mjs';
import { startDockerRegistry } from '../harness/registry.mjs';
import { spreadOf } from '../harness/statistics.mjs';
import { count } from '../harness/table.mjs';
import { missingRegistry } from '../harness/verdict.mjs';

/** Pulls of what is in the cache, in a process that runs on. */
/** @type {import('../harness/bench.mjs').BenchCase} */
export const cacheHitLibrary = {
  name: 'cache-hit-library',
  title: 'pulls through the library of a package in the cache, among 100 and 100,000 entries',
  async run(bench) {
    const registry = await startDockerRegistry(bench.scope);
    if (!registry) throw missingRegistry();
    bench.scope.workDir = memoryDirectory ?? bench.scope.workDir;
    const { name, version } = await pushKclPackage(registry.host, bench.scope);
    const front = await bench.front({ target: { host: '127.0.0.1', port: registry.port } });
    const rows = [];
    const medians = [];
    let connections = 0;
    for (const entries of [100, bench.size(100_000)]) {
      const directory = await bench.scope.temporaryDirectory('cache');
      const run = (/** @type {string} */ program, /** @type {string[]} */ ...args) =>
        measure(
          {
            file: process.execPath,
            args: [benchProgram(program), front.host, directory, name, version, ...args],
          },
          bench.scope,
        );
      bench.progress(`filling a cache with ${entries} entries`);
      await run('fill-cache', String(entries));
      await front.traffic();
      const results = [];
      for (let round = 0; round < bench.rounds; round += 1) {
        bench.progress(`${entries} entries, round ${round + 1} of ${bench.rounds}`);
        const { stdout, peakBytes } = await run('cache-hits', String(bench.size(4000)));
        results.push({ ...JSON.parse(stdout), peakBytes });
      }
      connections += (await front.traffic()).connections;
      const p50 = spreadOf(results.map((each) => each.p50Ms)).median;
      medians.push(p50);
      rows.push({
        name: `${count(entries)} entries`,
        isOurs: true,
        perSecond: spreadOf(results.map((each) => each.perSecond)),
        peakBytes: spreadOf(results.map((each) => each.peakBytes)).median,
        more: { 'p50 ms': p50, 'p99 ms': spreadOf(results.map((each) => each.p99Ms)).median },
      });
    }
    const [few = NaN, many = NaN] = medians;
    const slowest = Math.min(...rows.map(({ perSecond }) => perSecond.median));
    /** @type {import('../harness/bench.mjs').Verdict[]} */
    const verdicts = [
      verdict('p50 at most 0.2 ms', `${count(Math.max(few, many))} ms`, Math.max(few, many) <= 0.2),
      verdict('at least 10,000/s', `${count(slowest)}/s`, slowest >= 10_000),
      verdict('no socket', `${connections} connections`, connections === 0),
      verdict(
        'no growth from 100 to 100,000 entries',
        `${(many / few).toFixed(2)} times`,
        many <= 1.2 * few,
      ),
    ];
    return { rows, verdicts };
  },
};

/**
 * @param {string} target
 * @param {string} ours
 * @param {boolean} isMet
 */
function verdict(target, ours, isMet) {
  return { target, ours, best: '', ratio: '', isMet };
}
