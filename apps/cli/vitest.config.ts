import { defineConfig, mergeConfig } from 'vitest/config';

import { project } from '../../vitest.shared.js';

export default defineConfig(
  mergeConfig(project('cli'), { test: { globalSetup: './src/e2e/build.ts' } }),
);
