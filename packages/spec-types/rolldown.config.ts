import { defineConfig } from 'rolldown';

// @boundaries-ignore one build configuration serves every package
import { library } from '../../rolldown.shared.js';

export default defineConfig(
  library({
    index: './src/index.ts',
    'registry-api': './src/registry-api.ts',
    retry: './src/retry.ts',
    schemas: './src/schemas.ts',
    text: './src/text.ts',
    'node/index': './src/node/index.ts',
    'node-version': './src/node-version.ts',
  }),
);
