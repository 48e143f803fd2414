import { defineConfig } from 'rolldown';

// @boundaries-ignore one build configuration serves every package
import { library } from '../../rolldown.shared.js';

export default defineConfig(
  library({ index: './src/index.ts', 'files/index': './src/files/index.ts' }),
);
