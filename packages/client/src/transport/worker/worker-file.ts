import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The program of a download worker; undefined where a bundler left it out, or when run from source. */
export function workerFile(): URL | undefined {
  try {
    const file = new URL('./download-worker.js', import.meta.url);
    return existsSync(fileURLToPath(file)) ? file : undefined;
  } catch {
    // No file at all, as in a bundle of CommonJS.
    return undefined;
  }
}
