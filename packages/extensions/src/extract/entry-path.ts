import { pathComponents, pathFault } from '@oci/spec-types/text';

import { type ArchiveRule, brokenRule } from './archive-rule.js';

/** Bytes of a path, and levels of directories. */
export interface PathLimits {
  readonly pathBytes: number;
  readonly depth: number;
}

/** Returns the rule that an entry's path breaks, with the limit when it is one. */
export function entryPathFault(
  path: string,
  limits: PathLimits,
): readonly [rule: ArchiveRule, detail?: string] | undefined {
  if (path.length > limits.pathBytes || Buffer.byteLength(path) > limits.pathBytes)
    return ['path-length', `(${limits.pathBytes} bytes)`];
  const fault = pathFault(path);
  if (fault !== undefined) return [fault];
  const depth = pathComponents(path).length;
  return depth > limits.depth ? ['depth', `(${limits.depth} levels)`] : undefined;
}

/**
 * The components of an entry's path, when it stays inside on every system: relative, without `..`,
 * drive, stream or device names.
 *
 * @throws OciError `ARCHIVE_UNSAFE`, `LIMIT_EXCEEDED`
 */
export function parseEntryPath(path: string, limits: PathLimits): readonly string[] {
  const [rule, detail] = entryPathFault(path, limits) ?? [];
  if (rule !== undefined) throw brokenRule(rule, path, detail);
  return pathComponents(path);
}
