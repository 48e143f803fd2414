import type { OutputOptions, RolldownOptions } from 'rolldown';

interface Bundle extends RolldownOptions {
  readonly output: OutputOptions;
}

/** JavaScript of a package, for each entry a file; the declarations beside it are made by `tsc -b`. */
export function library(input: Record<string, string>): Bundle {
  return {
    input,
    // What a package depends on is installed with it; the helpers of the compiler are part of it.
    external: /^(?!@oxc-project\/)(?:node:|@?[a-z])/,
    platform: 'node',
    logLevel: 'warn',
    transform: { target: 'node20' },
    output: { dir: 'dist', cleanDir: true, format: 'esm', sourcemap: true },
  };
}

/** A program with everything that it needs, so that it starts with few files to read. */
export function program(input: Record<string, string>): Bundle {
  const { external: _none, output, ...common } = library(input);
  return {
    ...common,
    resolve: { conditionNames: ['@oci/source', 'node', 'import', 'module'] },
    treeshake: { propertyReadSideEffects: false },
    // Less text is read in less time; the source maps say what was where.
    output: { ...output, minify: true },
  };
}

/** The worker of downloads, as one file beside the program: it starts quickly, and is found by its name. */
export function downloadWorker(client: string): Bundle {
  const { output, ...worker } = program({
    'download-worker': `${client}/src/transport/worker/download-worker.ts`,
  });
  return { ...worker, output: { ...output, cleanDir: false, codeSplitting: false } };
}
