import { defineConfig } from 'rolldown';

// @boundaries-ignore one build configuration serves every package
import { program } from '../../rolldown.shared.js';

const { output, ...worker } = program({ 'extract-worker': './src/extract/worker.ts' });

/** The unpacking thread: one file with all that it needs, so that it starts quickly. */
export default defineConfig({
  ...worker,
  output: { ...output, cleanDir: false, codeSplitting: false },
});
