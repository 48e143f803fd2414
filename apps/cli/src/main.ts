#!/usr/bin/env node
import manifest from '../package.json' with { type: 'json' };

/** Node 22.1 and newer keep compiled code between runs. */
const { enableCompileCache } = process.getBuiltinModule('node:module') as {
  enableCompileCache?: () => unknown;
};

const args = process.argv.slice(2);
// The reader of a pipe may have seen enough (`ocictl list kcl | head -1`).
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit();
    throw error;
  });
}

if (args.length === 1 && (args[0] === '--version' || args[0] === '-V')) {
  process.stdout.write(`${manifest.version}\n`);
} else {
  enableCompileCache?.();
  const { start } = await import('./start.js');
  await start(args);
}
