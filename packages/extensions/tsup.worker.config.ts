import { defineConfig } from 'tsup';

// @boundaries-ignore one build configuration serves every package
import { program } from '../../tsup.shared.js';

/** The unpacking thread: one file with all that it needs, so that it starts quickly. */
export default defineConfig({
  ...program({ 'extract-worker': 'src/extract/worker.ts' }),
  splitting: false,
  clean: false,
});
