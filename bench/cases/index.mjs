import { buildAndTest } from './build-and-test.mjs';
import { cacheHitCommand } from './cache-hit-command.mjs';
import { cacheHitLibrary } from './cache-hit-library.mjs';
import { fortyLayers } from './forty-layers.mjs';
import { fourLayers } from './four-layers.mjs';
import { installFiles } from './install-files.mjs';
import { killedPull } from './killed-pull.mjs';
import { largeBlob, largeBlob256, largeBlob512 } from './large-blob.mjs';
import { listNamespace } from './list-namespace.mjs';
import { memory } from './memory.mjs';
import { mountCopy, mountCopySlowly } from './mount-copy.mjs';
import { oneBlob, oneBlobOverTls } from './one-blob.mjs';
import { pushLarge, pushLargeSlowly } from './push-large.mjs';
import { pushMany, pushManySlowly } from './push-many.mjs';
import { serverReads } from './server-reads.mjs';
import { serverWrites } from './server-writes.mjs';
import { smallPackage } from './small-package.mjs';

/** @type {readonly import('../harness/bench.mjs').BenchCase[]} */
export const cases = [
  fourLayers,
  oneBlob,
  oneBlobOverTls,
  largeBlob,
  largeBlob256,
  largeBlob512,
  killedPull,
  fortyLayers,
  smallPackage,
  pushLarge,
  pushLargeSlowly,
  pushMany,
  pushManySlowly,
  mountCopy,
  mountCopySlowly,
  cacheHitLibrary,
  cacheHitCommand,
  listNamespace,
  installFiles,
  serverReads,
  serverWrites,
  memory,
  buildAndTest,
];
