import { spawnSync } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { measure } from './process.mjs';
import { spreadOf } from './statistics.mjs';

/**
 * A program in a comparison.
 *
 * @typedef {object} Contestant
 * @property {string} name
 * @property {boolean} [isOurs]
 * @property {(where: Where) => import('./process.mjs').Command} command
 */

/**
 * @typedef {object} Where
 * @property {string} host of the registry to ask
 * @property {string} out an empty directory of the contestant's own
 */

/**
 * What a contestant took: medians over the rounds.
 *
 * @typedef {object} Row
 * @property {string} name
 * @property {boolean} isOurs
 * @property {import('./statistics.mjs').Spread} [wallMs]
 * @property {number} [cpuMs]
 * @property {number} [peakBytes]
 * @property {import('./statistics.mjs').Spread} [perSecond]
 * @property {number} [requests]
 * @property {number} [connections]
 * @property {number} [bytesMoved] both ways, headers included
 * @property {readonly string[]} [requestLines]
 * @property {Readonly<Record<string, number | string>>} [more] figures of this case only
 */

/**
 * @typedef {object} Comparison
 * @property {readonly Contestant[]} contestants
 * @property {string} host where the timed runs go
 * @property {import('./bench.mjs').Front | undefined} [front] where the run that is counted goes
 * @property {(out: string, stdout: string) => Promise<void>} check fails when the output is not what it should be
 * @property {number} [rounds]
 * @property {boolean} [keepsOut] runs find what the first, untimed run left: a cache
 */

/**
 * Runs all contestants in turns, so that what slows the machine for a while slows all; each output is checked
 * before its time counts. The requests are counted in a run of its own.
 *
 * @param {import('./bench.mjs').Bench} bench
 * @param {Comparison} comparison
 * @returns {Promise<Row[]>}
 */
export async function compare(bench, comparison) {
  const { contestants, host, front, check, keepsOut = false } = comparison;
  const rounds = comparison.rounds ?? bench.rounds;
  const work = await bench.scope.temporaryDirectory('out');
  const runs = contestants.map((contestant) => ({
    contestant,
    out: join(work, contestant.name.replaceAll(/\W+/g, '-')),
    measures: /** @type {import('./process.mjs').Measure[]} */ ([]),
    traffic: /** @type {import('./front.mjs').Traffic | undefined} */ (undefined),
  }));
  const runOnce = async (
    /** @type {(typeof runs)[number]} */ { contestant, out },
    /** @type {string} */ at,
  ) => {
    if (!keepsOut) await rm(out, { recursive: true, force: true });
    await mkdir(out, { recursive: true });
    // What an earlier run wrote must not be written back during this one.
    spawnSync('sync');
    const measured = await measure(contestant.command({ host: at, out }), bench.scope);
    await check(out, measured.stdout).catch((error) => {
      throw new Error(`${contestant.name}: ${error.message}`, { cause: error });
    });
    return measured;
  };
  if (keepsOut) for (const run of runs) await runOnce(run, host);
  for (let round = 0; round < rounds; round += 1) {
    for (const run of turned(runs, round)) {
      bench.progress(`${run.contestant.name}, round ${round + 1} of ${rounds}`);
      run.measures.push(await runOnce(run, host));
      if (!keepsOut) await rm(run.out, { recursive: true, force: true });
    }
  }
  if (front) {
    for (const run of runs) {
      bench.progress(`${run.contestant.name}, counting`);
      // A cache knows another host as another registry.
      if (keepsOut) await runOnce(run, front.host);
      await front.traffic();
      await runOnce(run, front.host);
      run.traffic = await front.traffic();
      if (!keepsOut) await rm(run.out, { recursive: true, force: true });
    }
  }
  return runs.map(({ contestant, measures, traffic }) => ({
    name: contestant.name,
    isOurs: contestant.isOurs ?? false,
    wallMs: spreadOf(measures.map(({ wallMs }) => wallMs)),
    cpuMs: spreadOf(measures.map(({ cpuMs }) => cpuMs)).median,
    peakBytes: spreadOf(measures.map(({ peakBytes }) => peakBytes)).median,
    ...(traffic && {
      requests: traffic.requests.length,
      connections: traffic.connections,
      bytesMoved: traffic.bytesSent + traffic.bytesReceived,
      ...(traffic.requests.length <= 20 && { requestLines: traffic.requests }),
    }),
  }));
}

/**
 * @template T
 * @param {readonly T[]} items
 * @param {number} by
 */
function turned(items, by) {
  const at = items.length === 0 ? 0 : by % items.length;
  return [...items.slice(at), ...items.slice(0, at)];
}

/**
 * How many times as fast ours is as the fastest of the peers, by medians.
 *
 * @param {readonly Row[]} rows
 */
export function timesAsFast(rows) {
  const ours = rows.find(({ isOurs }) => isOurs);
  const [best] = rows
    .filter(({ isOurs }) => !isOurs)
    .sort((a, b) => (a.wallMs?.median ?? Infinity) - (b.wallMs?.median ?? Infinity));
  if (!ours?.wallMs || !best?.wallMs) return undefined;
  return { ours, best, ratio: best.wallMs.median / ours.wallMs.median };
}
