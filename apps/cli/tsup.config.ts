import { defineConfig } from 'tsup';

// @boundaries-ignore one build configuration serves every package
import { program } from '../../tsup.shared.js';

export default defineConfig(
  program({
    main: 'src/main.ts',
    // Beside the program, for that is where the extensions look for their thread.
    'extract-worker': '../../packages/extensions/src/extract/worker.ts',
  }),
);
