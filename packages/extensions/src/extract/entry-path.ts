import { hasHiddenCharacter } from '@oci/spec-types';

import { brokenRule } from './archive-rule.js';

/** Bytes of a path, and levels of directories. */
export interface PathLimits {
  readonly pathBytes: number;
  readonly depth: number;
}

const windowsDevice =
  /^(?:con|prn|aux|nul|com[0-9\u00b9\u00b2\u00b3]|lpt[0-9\u00b9\u00b2\u00b3]|conin\$|conout\$)(?:\.|$)/i;
const forbidden = /[\\:*?"<>|]/;
const plain = /^[A-Za-z0-9_-][A-Za-z0-9_.-]*$/;

/**
 * The components of an entry's path, when it stays inside on every system: relative, without `..`,
 * drive, stream or device names.
 *
 * @throws OciError `ARCHIVE_UNSAFE`, `LIMIT_EXCEEDED`
 */
export function parseEntryPath(path: string, limits: PathLimits): readonly string[] {
  if (path.length > limits.pathBytes || Buffer.byteLength(path) > limits.pathBytes)
    throw brokenRule('path-length', path, `(${limits.pathBytes} bytes)`);
  if (path.startsWith('/')) throw brokenRule('absolute-path', path);
  if (path.includes('\ufffd')) throw brokenRule('not-utf8', path);
  if (forbidden.test(path) || hasHiddenCharacter(path))
    throw brokenRule('forbidden-character', path);
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  for (const part of parts) {
    if (part === '..') throw brokenRule('parent-path', path);
    if (/[. ]$/.test(part)) throw brokenRule('trailing-dot', path);
    if (windowsDevice.test(part)) throw brokenRule('device-name', path);
  }
  if (parts.length > limits.depth) throw brokenRule('depth', path, `(${limits.depth} levels)`);
  return parts;
}

/**
 * One spelling for all that some file system takes for the same name: case and ligatures fold
 * (CVE-2026-23950).
 */
export function foldedPath(path: string): string {
  return plain.test(path) ? path.toLowerCase() : path.normalize('NFKC').toLowerCase();
}
