import { fourLayers } from './four-layers.mjs';
import { fortyLayers } from './forty-layers.mjs';
import { largeBlob, largeBlob512 } from './large-blob.mjs';
import { serverReads } from './server-reads.mjs';

/** @type {readonly import('../harness/bench.mjs').BenchCase[]} */
export const cases = [fourLayers, largeBlob, largeBlob512, fortyLayers, serverReads];
