#!/usr/bin/env node
import { run } from './run.js';

const interrupt = new AbortController();
const stop = (): void => {
  // The first asks everything to stop cleanly; a second one is not caught any more.
  process.off('SIGINT', stop).off('SIGTERM', stop);
  interrupt.abort();
};
process.on('SIGINT', stop).on('SIGTERM', stop);

// The reader of a pipe may have seen enough (`ocictl list kcl | head -1`).
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  throw error;
});

process.exitCode = await run(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  signal: interrupt.signal,
});
process.off('SIGINT', stop).off('SIGTERM', stop);
