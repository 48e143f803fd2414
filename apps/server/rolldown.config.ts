import { defineConfig } from 'rolldown';

// @boundaries-ignore one build configuration serves every package
import { library } from '../../rolldown.shared.js';

export default defineConfig(
  library({
    index: './src/index.ts',
    main: './src/main.ts',
    'client/index': './src/client/index.ts',
  }),
);
