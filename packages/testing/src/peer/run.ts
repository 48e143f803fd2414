import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { collect, textOf } from '../bytes.js';

/** How a program ended. */
export interface ProgramResult {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end without a shell and without input. */
export async function run(
  program: string,
  args: readonly string[],
  options: {
    readonly cwd?: string | undefined;
    readonly env?: Readonly<Record<string, string>> | undefined;
  } = {},
): Promise<ProgramResult> {
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exit = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const [exitCode, stdout, stderr] = await Promise.all([
    exit,
    collect(child.stdout),
    collect(child.stderr),
  ]);
  return { exitCode, stdout: textOf(stdout), stderr: textOf(stderr) };
}

/** Runs a program and kills it, without a chance to clean up, as soon as it prints something. */
export async function killAtOutput(program: string, args: readonly string[]): Promise<void> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  child.stdout.once('data', () => child.kill('SIGKILL'));
  const [exitCode] = (await closed) as [number | null];
  if (exitCode !== null) throw new Error(`${program} ended by itself with ${exitCode}`);
}
