import { pathComponents, pathFault } from '@oci/spec-types';

import { brokenRule } from './archive-rule.js';

/** Bytes of a path, and levels of directories. */
export interface PathLimits {
  readonly pathBytes: number;
  readonly depth: number;
}

/**
 * The components of an entry's path, when it stays inside on every system: relative, without `..`,
 * drive, stream or device names.
 *
 * @throws OciError `ARCHIVE_UNSAFE`, `LIMIT_EXCEEDED`
 */
export function parseEntryPath(path: string, limits: PathLimits): readonly string[] {
  if (path.length > limits.pathBytes || Buffer.byteLength(path) > limits.pathBytes)
    throw brokenRule('path-length', path, `(${limits.pathBytes} bytes)`);
  const fault = pathFault(path);
  if (fault !== undefined) throw brokenRule(fault, path);
  const parts = pathComponents(path);
  if (parts.length > limits.depth) throw brokenRule('depth', path, `(${limits.depth} levels)`);
  return parts;
}
