import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Builds the command once, before the tests that run it as a program of its own. */
export function setup(): void {
  const cwd = fileURLToPath(new URL('..', import.meta.url));
  const rolldown = fileURLToPath(new URL('../node_modules/.bin/rolldown', import.meta.url));
  execFileSync(rolldown, ['--config'], { cwd });
}
