import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { rolldown } from 'rolldown';

/** The download worker that was built before the tests. */
const worker = fileURLToPath(
  new URL('../../../../node_modules/.cache/oci-test/download-worker.js', import.meta.url),
);

/**
 * Writes a program of a few lines, TypeScript with imports as in the test beside it, to one file that
 * Node runs: what a test starts several times, or kills.
 *
 * @param options.from the test's `import.meta.url`
 * @param options.hasWorker whether the program finds the download worker's file; default true
 * @returns the path of the file, below `options.directory`
 */
export async function compile(
  code: string,
  options: { readonly from: string; readonly directory: string; readonly hasWorker?: boolean },
): Promise<string> {
  const file = join(options.directory, 'program.mjs');
  const source = join(dirname(fileURLToPath(options.from)), 'program-of-a-test.ts');
  await using bundle = await rolldown({
    input: source,
    platform: 'node',
    logLevel: 'silent',
    resolve: { conditionNames: ['@oci/source', 'node', 'import', 'module'] },
    transform: { target: 'node20' },
    plugins: [
      {
        name: 'program',
        resolveId: (id) => (id === source ? id : undefined),
        load: (id) => (id === source ? code : undefined),
        transform: (text, id) =>
          (options.hasWorker ?? true) && id.endsWith('/transport/worker/worker-file.ts')
            ? text.replace('./download-worker.js', pathToFileURL(worker).href)
            : undefined,
      },
    ],
  });
  await bundle.write({ file, format: 'esm', codeSplitting: false });
  return file;
}
