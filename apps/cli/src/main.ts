#!/usr/bin/env node
import { unsupportedNode } from '@oci/spec-types/node-version';

import manifest from '../package.json' with { type: 'json' };

// The reader of a pipe may have seen enough (`ocictl list kcl | head -1`).
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit();
    throw error;
  });
}

const args = process.argv.slice(2);
// What follows is loaded only where Node.js can read it.
const unsupported = unsupportedNode('ocictl', process.versions.node);

if (unsupported !== undefined) {
  process.stderr.write(`${unsupported}\n`);
  process.exitCode = 1;
} else if (args.length === 1 && (args[0] === '--version' || args[0] === '-V')) {
  process.stdout.write(`${manifest.version}\n`);
} else {
  /** Node 22.1 and newer keep compiled code between runs. */
  const { enableCompileCache } = process.getBuiltinModule('node:module') as {
    enableCompileCache?: () => unknown;
  };
  enableCompileCache?.();
  const { start } = await import('./start.js');
  await start(args);
}
