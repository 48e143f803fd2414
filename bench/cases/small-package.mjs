import { pushKclPackage } from '../harness/artifacts.mjs';
import { compare, timesAsFast } from '../harness/compare.mjs';
import { ocictl } from '../harness/ocictl.mjs';
import { expectFiles } from '../harness/outputs.mjs';
import { peerPullers } from '../harness/pullers.mjs';
import { startDockerRegistry } from '../harness/registry.mjs';
import { fasterThan, missingRegistry } from '../harness/verdict.mjs';

const roundTripMs = 40;

/** What an administrator does most: one small package, far away; then the next process asks again. */
/** @type {import('../harness/bench.mjs').BenchCase} */
export const smallPackage = {
  name: 'small-package',
  title: 'a small KCL package, 40 ms round trip, without and with a bearer token',
  async run(bench) {
    const registry = await startDockerRegistry(bench.scope);
    if (!registry) throw missingRegistry();
    const pushed = await pushKclPackage(registry.host, bench.scope);
    const { repository, name, version, digests } = pushed;
    /** @type {import('../harness/compare.mjs').Contestant[]} */
    const contestants = [
      {
        name: 'ocictl',
        isOurs: true,
        command: (where) => ocictl(where, ['kcl', 'pull', name, version]),
      },
      ...peerPullers({ repository, tag: version }),
    ];
    const rows = [];
    const verdicts = [];
    const rounds = Math.max(bench.rounds, bench.isQuick ? 1 : 10);
    for (const bearer of [false, true]) {
      const front = await bench.front({
        target: { host: '127.0.0.1', port: registry.port },
        bearer,
      });
      const target = { host: '127.0.0.1', port: bearer ? front.port : registry.port };
      const { host } = await bench.link({ target, roundTripMs });
      const comparison = {
        contestants,
        host,
        front,
        rounds,
        check: (/** @type {string} */ out) => expectFiles(out, digests),
      };
      for (const keepsOut of [false, true]) {
        const title = `${keepsOut ? 'next process' : 'first'}${bearer ? ', token' : ''}`;
        const measured = await compare(bench, { ...comparison, keepsOut });
        rows.push(...measured.map((row) => ({ ...row, name: `${title}: ${row.name}` })));
        verdicts.push(...verdictsOf(measured, { title, least: keepsOut ? 0 : bearer ? 4 : 2 }));
      }
    }
    const notes = rows
      .filter(({ isOurs }) => isOurs)
      .map(
        ({ name: title, requestLines = [] }) =>
          `${title}: ${requestLines.map(short).join('; ') || 'nothing'}`,
      );
    return { rows, verdicts, notes: [notes.join('\n')] };
  },
};

/** @param {string} line */
function short(line) {
  return line.replaceAll(/sha256:([0-9a-f]{8})[0-9a-f]+/g, '$1…').replace(/\?\S+/, '?…');
}

/**
 * @param {readonly import('../harness/compare.mjs').Row[]} rows
 * @param {{ title: string, least: number }} wanted
 * @returns {import('../harness/bench.mjs').Verdict[]}
 */
function verdictsOf(rows, { title, least }) {
  const requests = rows.find(({ isOurs }) => isOurs)?.requests ?? NaN;
  const [peer] = rows
    .filter(({ isOurs }) => !isOurs)
    .sort((a, b) => (a.requests ?? 0) - (b.requests ?? 0));
  return [
    fasterThan(timesAsFast(rows), { target: `${title}: faster than every peer`, times: 1 }),
    {
      target: `${title}: ${least} requests`,
      ours: String(requests),
      best: peer ? `${peer.requests} (${peer.name})` : '',
      ratio: '',
      isMet: requests <= least,
    },
  ];
}
