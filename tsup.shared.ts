import type { Options } from 'tsup';

/** JavaScript by tsup; the declarations beside it are made by `tsc -b`. */
export function library(entry: Record<string, string>): Options {
  return { entry, format: 'esm', target: 'node20', sourcemap: true, clean: true, silent: true };
}

/** A program: our own packages are part of it, so that it starts with few files to read. */
export function program(entry: Record<string, string>): Options {
  return {
    ...library(entry),
    noExternal: [/^@oci\//],
    esbuildOptions(options) {
      options.conditions = ['@oci/source'];
    },
  };
}
