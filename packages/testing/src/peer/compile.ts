import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { build } from 'esbuild';

/**
 * Writes a program of a few lines, TypeScript with imports as in the test beside it, to one file that
 * Node runs: what a test starts several times, or kills.
 *
 * @param options.from the test's `import.meta.url`
 * @returns the path of the file, below `options.directory`
 */
export async function compile(
  code: string,
  options: { readonly from: string; readonly directory: string },
): Promise<string> {
  const from = fileURLToPath(options.from);
  const outfile = join(options.directory, 'program.mjs');
  await build({
    stdin: { contents: code, loader: 'ts', resolveDir: dirname(from), sourcefile: from },
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['@oci/source'],
    banner: {
      js: "import { createRequire } from 'node:module';const require = createRequire('/');",
    },
    logLevel: 'silent',
  });
  return outfile;
}
