import type { ViteUserConfig } from 'vitest/config';

/** Tests run against the sources of every package, so that none has to be built first. */
export function project(name: string): ViteUserConfig {
  const conditions = ['@oci/source', 'node', 'import', 'default'];
  return {
    resolve: { conditions },
    ssr: { resolve: { conditions } },
    test: {
      name,
      include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
      testTimeout: 30_000,
      // What is polled for comes; how soon is the machine's affair.
      expect: { poll: { timeout: 20_000 } },
      isolate: false,
    },
  };
}
