import { defineConfig } from 'rolldown';

// @boundaries-ignore one build configuration serves every package
import { library } from '../../rolldown.shared.js';

export default defineConfig(
  library({
    index: './src/index.ts',
    'node/index': './src/node/index.ts',
    'node-version': './src/node-version.ts',
  }),
);
