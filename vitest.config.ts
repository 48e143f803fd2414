import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: ['packages/*/vitest.config.ts', 'apps/*/vitest.config.ts'],
    // The default leaves a core idle, which on two cores is half of the machine.
    maxWorkers: '100%',
  },
});
