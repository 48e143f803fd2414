import { findPeer } from './peers.mjs';
import { cpuMsOf, measure, peakOf } from './process.mjs';

/** docker-registry finds an OCI manifest only for who names its media type. */
export const accepted = 'application/vnd.oci.image.manifest.v1+json, */*';

/**
 * What a server did under load.
 *
 * @typedef {object} Load
 * @property {number} perSecond answers
 * @property {number} cpuMsPerThousand of the server, for 1,000 answers
 * @property {number} peakBytes of the server since it started
 */

/** Bodies above this are counted by their bytes. */
const manyBytes = 16 * 1024 * 1024;

/**
 * Asks a server for one URL over and over, by `wrk`, which takes little of the machine itself.
 *
 * @param {{ url: string, pid: number }} server
 * @param {{ connections: number, seconds: number, bytes: number }} load `bytes` of one answer's body
 * @param {import('./scope.mjs').Scope} scope
 * @returns {Promise<Load>}
 */
export async function load({ url, pid }, { connections, seconds, bytes }, scope) {
  const wrk = findPeer('wrk');
  if (wrk === undefined) throw new Error('wrk is not installed: apt-get install wrk');
  const before = cpuMsOf(pid);
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '30s'];
  args.push('-H', `Accept: ${accepted}`, url);
  const { stdout } = await measure({ file: wrk, args }, scope);
  const cpuMs = cpuMsOf(pid) - before;
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`${url} failed under load: ${stdout}`);
  const [, amount, unit = ''] = /([\d.]+)([KMGT]?)B read/.exec(stdout) ?? [];
  const took = Number(/requests in ([\d.]+)s/.exec(stdout)?.[1]);
  // Of large answers few end while it counts.
  const received = Number(amount) * 1024 ** ' KMGT'.indexOf(unit || ' ');
  const counted = Number(/(\d+) requests in/.exec(stdout)?.[1]);
  const answers = bytes > manyBytes ? received / bytes : counted;
  return {
    perSecond: answers / took,
    cpuMsPerThousand: (cpuMs / answers) * 1000,
    peakBytes: peakOf(pid),
  };
}
