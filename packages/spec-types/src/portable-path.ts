import { hasHiddenCharacter } from './printable.js';

/** A reason why a relative path, written by somebody else, does not name the same file on every system. */
export type PathFault =
  | 'absolute-path'
  | 'parent-path'
  | 'forbidden-character'
  | 'trailing-dot'
  | 'device-name'
  | 'name-length'
  | 'not-utf8';

/** Bytes of one component, the least that file systems in use allow. */
const maxNameBytes = 255;

// Windows drops spaces before an extension, too: `nul .txt` is the device.
const windowsDevice =
  /^(?:con|prn|aux|nul|com[0-9\u00b9\u00b2\u00b3]|lpt[0-9\u00b9\u00b2\u00b3]|conin\$|conout\$) *(?:\.|$)/i;
const forbidden = /[\\:*?"<>|]/;
// oxlint-disable-next-line no-control-regex -- all of ASCII, the quick way
const ascii = /^[\u0000-\u007f]*$/;
const encoder = new TextEncoder();

/** The components of a path with `/`, without empty ones and `.`. */
export function pathComponents(path: string): readonly string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.');
}

/** Returns the first fault of a path; undefined when it stays below its directory on every system. */
export function pathFault(path: string): PathFault | undefined {
  if (path.startsWith('/')) return 'absolute-path';
  if (path.includes('\ufffd')) return 'not-utf8';
  if (forbidden.test(path) || hasHiddenCharacter(path)) return 'forbidden-character';
  for (const part of pathComponents(path)) {
    if (part === '..') return 'parent-path';
    if (/[. ]$/.test(part)) return 'trailing-dot';
    if (windowsDevice.test(part)) return 'device-name';
    if (part.length > maxNameBytes || encoder.encode(part).byteLength > maxNameBytes)
      return 'name-length';
  }
  return undefined;
}

/**
 * Returns one spelling for all names that some file system takes for the same (CVE-2026-23950): full case
 * folding and compatibility normalisation, without what is ignored; the dotless and the dotted i of Turkish
 * are an i.
 */
export function foldedPath(path: string): string {
  if (ascii.test(path)) return path.toLowerCase();
  // Each step may make what another one takes: ẞ is ß in lower case, and ß is SS in upper case.
  const once = path.normalize('NFKC').toLowerCase().toUpperCase().toLowerCase();
  return once
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll('i\u0307', 'i')
    .replaceAll('\u03c2', '\u03c3')
    .replace(/\p{Default_Ignorable_Code_Point}/gu, '');
}
