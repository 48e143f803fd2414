#!/usr/bin/env node
import { unsupportedNode } from '@oci/spec-types/node-version';

// What follows is loaded only where Node.js can read it.
const unsupported = unsupportedNode('oci-server', process.versions.node);

if (unsupported === undefined) {
  const { run } = await import('./program.js');
  await run(process.argv.slice(2));
} else {
  process.stderr.write(`${unsupported}\n`);
  process.exitCode = 1;
}
