import { realpathSync } from 'node:fs';
import { isAbsolute, relative, resolve, sep } from 'node:path';

import { OciError, type OciErrorCode, isOciError } from '@oci/spec-types';

const hints: Readonly<Partial<Record<OciErrorCode, string>>> = {
  STORAGE_DENIED: 'Check its owner and mode, or choose another directory with --cache-dir.',
  STORAGE_FULL:
    'Free some space (ocictl cache prune), or choose another directory with --cache-dir.',
};

/** Returns a failure to write below the cache directory with the option that names another one; others as they are. */
export function withCacheHint(error: unknown, cacheDir: string): unknown {
  if (!isOciError(error) || error.path === undefined) return error;
  const hint = hints[error.code];
  if (hint === undefined || !isWithin(error.path, cacheDir)) return error;
  const { code, message, path } = error;
  return new OciError(code, message, { hint, path, cause: error });
}

/** Paths of open directories are without the links that lead there. */
function isWithin(path: string, directory: string): boolean {
  const absolute = resolve(directory);
  return [absolute, realPathOf(absolute)].some((root) => {
    const inside = relative(root, path);
    return !isAbsolute(inside) && inside.split(sep)[0] !== '..';
  });
}

function realPathOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
