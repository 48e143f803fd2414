import { defineConfig } from 'rolldown';

// @boundaries-ignore one build configuration serves every package
import { library } from '../../rolldown.shared.js';

export default defineConfig(
  library({
    index: './src/index.ts',
    'config/index': './src/config/index.ts',
    'program/index': './src/program/index.ts',
    'layout/index': './src/layout/index.ts',
    'signing/index': './src/signing/index.ts',
  }),
);
