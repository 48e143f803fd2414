import type { Options } from 'tsup';

/** JavaScript by tsup; the declarations beside it are made by `tsc -b`. */
export function library(entry: Record<string, string>): Options {
  return { entry, format: 'esm', target: 'node20', sourcemap: true, clean: true, silent: true };
}

/** A program: everything it needs is part of it, so that it starts with few files to read. */
export function program(entry: Record<string, string>): Options {
  return {
    ...library(entry),
    splitting: true,
    noExternal: [/.*/],
    // Some of what is bundled is CommonJS and calls `require` for the modules of Node.
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    esbuildOptions(options) {
      options.conditions = ['@oci/source', 'node', 'import', 'module'];
      // Less text is read in less time; the source maps say what was where.
      options.minify = true;
    },
  };
}
