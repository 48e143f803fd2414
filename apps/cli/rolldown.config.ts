import { type Plugin, defineConfig } from 'rolldown';

/** Commander starts programs for commands that are files of their own; there are none, and loading it takes 3 ms. */
const withoutSubprograms: Plugin = {
  name: 'without-subprograms',
  transform: {
    filter: { id: /commander\/lib\/command\.js$/ },
    handler: (code) => ({ code: code.replace("require('node:child_process')", '{}'), map: null }),
  },
};

/**
 * One program with all that it needs. What a pull out of the cache runs through is one file, since each
 * file costs the loader of modules as much time as 100 KiB of text; the rest is read when it is needed.
 */
export default defineConfig({
  input: {
    main: 'src/main.ts',
    // Beside the program, for that is where the extensions look for their thread.
    'extract-worker': '../../packages/extensions/src/extract/worker.ts',
  },
  platform: 'node',
  logLevel: 'warn',
  resolve: { conditionNames: ['@oci/source', 'node', 'import', 'module'] },
  transform: { target: 'node20' },
  plugins: [withoutSubprograms],
  output: {
    dir: 'dist',
    cleanDir: true,
    format: 'esm',
    minify: true,
    sourcemap: true,
    chunkFileNames: '[name]-[hash].js',
    codeSplitting: {
      groups: [
        { name: 'version', test: /apps\/cli\/package\.json$/, priority: 2 },
        { name: 'pull', test: /apps\/cli\/src\/(?:start|commands\/pull)\.ts$/ },
        {
          name: 'http',
          test: /packages\/client\/src\/(?:reach|repository\/abilities|transport\/connection-pools)\.ts$/,
        },
      ],
    },
  },
});
