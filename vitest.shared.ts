import { fileURLToPath, pathToFileURL } from 'node:url';

import type { ViteUserConfig } from 'vitest/config';

const worker = fileURLToPath(
  new URL('./node_modules/.cache/oci-test/download-worker.js', import.meta.url),
);

/** Tests run against the sources of every package, so that none has to be built first. */
export function project(name: string): ViteUserConfig {
  const conditions = ['@oci/source', 'node', 'import', 'default'];
  return {
    resolve: { conditions },
    ssr: { resolve: { conditions } },
    plugins: [
      {
        // A thread runs JavaScript alone, so its file is built before the tests.
        name: 'download-worker',
        enforce: 'pre',
        transform: (code, id) =>
          id.endsWith('/transport/worker/worker-file.ts')
            ? code.replace('./download-worker.js', pathToFileURL(worker).href)
            : undefined,
      },
    ],
    test: {
      name,
      include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
      globalSetup: fileURLToPath(new URL('./vitest.worker.ts', import.meta.url)),
      testTimeout: 30_000,
      // What is polled for comes; how soon is the machine's affair.
      expect: { poll: { timeout: 20_000 } },
      isolate: false,
    },
  };
}
