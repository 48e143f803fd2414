import { defineConfig } from 'tsup';

// @boundaries-ignore one build configuration serves every package
import { library } from '../../tsup.shared.js';

export default defineConfig(library({ index: 'src/index.ts' }));
