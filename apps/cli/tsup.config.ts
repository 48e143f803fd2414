import { defineConfig } from 'tsup';

// @boundaries-ignore one build configuration serves every package
import { program } from '../../tsup.shared.js';

export default defineConfig(program({ main: 'src/main.ts' }));
