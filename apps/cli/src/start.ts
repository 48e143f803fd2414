import { constants } from 'node:os';

import { run } from './run.js';
import { TextStream } from './terminal.js';

/** After so long, somebody who interrupted is told that it takes its time. */
const stoppingMs = 500;

/** Ends at once, with what a shell shows for a process that the signal ended. */
function end(signal: 'SIGINT' | 'SIGTERM'): never {
  process.exit(128 + constants.signals[signal]);
}

/** Runs `ocictl` as this process. */
export async function start(args: readonly string[]): Promise<void> {
  const stderr = new TextStream(process.stderr);
  const interrupt = new AbortController();
  const stop = (): void => {
    // The first asks everything to stop cleanly; a second one is not caught any more.
    process.off('SIGINT', stop).off('SIGTERM', stop);
    // But the first process of a container dies of no signal that it does not catch.
    if (process.pid === 1) process.on('SIGINT', end).on('SIGTERM', end);
    interrupt.abort();
    setTimeout(() => {
      stderr.write('stopping; interrupt again to end at once\n');
    }, stoppingMs).unref();
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  process.exitCode = await run(args, {
    // Making the stream takes a millisecond, and few commands read it.
    get stdin() {
      return process.stdin;
    },
    stdout: new TextStream(process.stdout),
    stderr,
    env: process.env,
    signal: interrupt.signal,
  });
  process.off('SIGINT', stop).off('SIGTERM', stop);
}
