import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

import type { ProgramResult } from './run.js';

export interface StartOptions {
  readonly cwd?: string | undefined;
  /** The whole environment. Default: that of the test. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** What it reads. Default: nothing. */
  readonly input?: string | undefined;
}

/** How a program ended: `exitCode` is null when a signal ended it. */
export interface ProgramEnd extends ProgramResult {
  readonly signal: NodeJS.Signals | null;
}

/** A program that a test signals or kills. Nothing waits for ever for one that ended by itself. */
export interface RunningProgram {
  readonly process: ChildProcess;
  /** Settles when the program has ended, however and whenever that was. */
  readonly end: Promise<ProgramEnd>;
  /**
   * Settles when the program has said a text on either output, in so many lines; the last of these.
   *
   * @throws Error when the program ends before
   */
  says(text: string, times?: number): Promise<string>;
  /**
   * Sends a signal, by default SIGKILL.
   *
   * @throws Error when the program has ended by itself
   */
  kill(signal?: NodeJS.Signals): void;
}

/** Starts a program without a shell. */
export function startProgram(
  program: string,
  args: readonly string[],
  { cwd, env, input = '' }: StartOptions = {},
): RunningProgram {
  const child = spawn(program, args, { cwd, env, stdio: ['pipe', 'pipe', 'pipe'] });
  const heard = new Set<() => void>();
  const [stdout, stderr] = [child.stdout, child.stderr].map((stream) => {
    const said = new Said();
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      said.add(chunk);
      for (const look of heard) look();
    });
    return said;
  }) as [Said, Said];
  // One that is killed reads no more.
  child.stdin.on('error', () => {}).end(input);
  const end = once(child, 'close').then(([exitCode, signal]) => ({
    exitCode: exitCode as number | null,
    signal: signal as NodeJS.Signals | null,
    stdout: stdout.text,
    stderr: stderr.text,
  }));
  const ended = (): Error =>
    new Error(`${program} ended with ${child.exitCode ?? child.signalCode}: ${stderr.text}`);
  return {
    process: child,
    end,
    says: (text, times = 1) =>
      new Promise((resolve, reject) => {
        const find = [stdout, stderr].map((said) => said.finder(text, times));
        const look = (): void => {
          const line = find.map((next) => next()).find((found) => found !== undefined);
          if (line === undefined) return;
          heard.delete(look);
          resolve(line);
        };
        heard.add(look);
        look();
        end.then(() => reject(ended()), reject);
      }),
    kill(signal = 'SIGKILL') {
      if (!child.kill(signal)) throw ended();
    },
  };
}

/** What came on one output, by lines; the last may go on. */
class Said {
  readonly #lines: string[] = [''];

  get text(): string {
    return this.#lines.join('\n');
  }

  add(chunk: string): void {
    const [first = '', ...others] = chunk.split('\n');
    this.#lines.push(`${this.#lines.pop() ?? ''}${first}`, ...others);
  }

  /** Finds the line that is the so-manieth with a text; looks at each once, and again at the last, which may go on. */
  finder(text: string, times: number): () => string | undefined {
    let at = 0;
    let left = times;
    return () => {
      for (; at < this.#lines.length - 1; at += 1) {
        const line = this.#lines[at] ?? '';
        if (line.includes(text) && (left -= 1) === 0) return line;
      }
      const last = this.#lines[at] ?? '';
      return left === 1 && last.includes(text) ? last : undefined;
    };
  }
}
