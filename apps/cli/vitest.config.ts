import { defineConfig, mergeConfig } from 'vitest/config';

// @boundaries-ignore one test configuration serves every package
import { project } from '../../vitest.shared.js';

export default defineConfig(
  mergeConfig(project('cli'), { test: { globalSetup: './test/build.ts' } }),
);
