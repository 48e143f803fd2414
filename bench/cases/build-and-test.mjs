import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { measure } from '../harness/process.mjs';
import { seconds } from '../harness/table.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const limitMs = 180_000;

/** What a contributor waits for: the committed state, cloned, built and tested; packages come from pnpm's store. */
/** @type {import('../harness/bench.mjs').BenchCase} */
export const buildAndTest = {
  name: 'build-and-test',
  title: 'build and test of the repository from a clean clone',
  async run(bench) {
    const clone = join(await bench.scope.temporaryDirectory('clone'), 'repository');
    execFileSync('git', ['clone', '--quiet', '--depth', '1', `file://${root}`, clone]);
    execFileSync('pnpm', ['install', '--frozen-lockfile', '--prefer-offline'], { cwd: clone });
    const env = { TURBO_FORCE: 'true', TURBO_TELEMETRY_DISABLED: '1' };
    const { wallMs, cpuMs } = await measure(
      { file: 'pnpm', args: ['test'], cwd: clone, env },
      bench.scope,
    );
    return {
      rows: [
        {
          name: 'pnpm test',
          isOurs: true,
          wallMs: { median: wallMs, min: wallMs, max: wallMs },
          cpuMs,
        },
      ],
      verdicts: [
        {
          target: 'under 3 minutes on 2 cores',
          ours: `${seconds(wallMs)} s`,
          best: '',
          ratio: '',
          isMet: wallMs < limitMs,
        },
      ],
    };
  },
};
