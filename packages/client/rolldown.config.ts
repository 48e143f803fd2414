import { defineConfig } from 'rolldown';

// @boundaries-ignore one build configuration serves every package
import { library } from '../../rolldown.shared.js';

export default defineConfig(
  library({
    index: './src/index.ts',
    'credentials/azure': './src/credentials/azure.ts',
    'credentials/ecr': './src/credentials/ecr.ts',
    'credentials/google': './src/credentials/google.ts',
  }),
);
