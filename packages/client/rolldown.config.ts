import { defineConfig } from 'rolldown';

// @boundaries-ignore one build configuration serves every package
import { library } from '../../rolldown.shared.js';

export default defineConfig(
  library({
    index: './src/index.ts',
    'copy/index': './src/copy/index.ts',
    'credentials/index': './src/credentials/index.ts',
    'doctor/index': './src/doctor/index.ts',
    'layout/index': './src/layout/index.ts',
    'location/index': './src/location/index.ts',
    'transport/index': './src/transport/index.ts',
    'credentials/azure': './src/credentials/azure.ts',
    'credentials/ecr': './src/credentials/ecr.ts',
    'credentials/google': './src/credentials/google.ts',
  }),
);
