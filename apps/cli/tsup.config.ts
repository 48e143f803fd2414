import { defineConfig } from 'tsup';

// @boundaries-ignore one build configuration serves every package
import { program } from '../../tsup.shared.js';

const options = program({
  main: 'src/main.ts',
  // Beside the program, for that is where the extensions look for their thread.
  'extract-worker': '../../packages/extensions/src/extract/worker.ts',
});

export default defineConfig({
  ...options,
  // What is bundled asks for modules of Node alone, and this way to them costs no start-up time.
  banner: { js: 'const require = process.getBuiltinModule;' },
});
