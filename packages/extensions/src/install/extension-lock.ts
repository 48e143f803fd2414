import { OciError, isDigest } from '@oci/spec-types';
import { isMissing, onStorage, replaceFile } from '@oci/files';

import { readDocument } from '../document/document-text.js';

/** Versions and digests of a graph of extensions, by `type/name`. */
export type ExtensionLock = ReadonlyMap<string, LockedExtension>;

interface LockedExtension {
  readonly version: string;
  /** Of the manifest. */
  readonly digest: string;
}

const formatVersion = 1;

/** A file that is missing is an empty lock. @throws OciError `CONFIG_INVALID` */
export async function readExtensionLock(path: string): Promise<ExtensionLock> {
  try {
    const document = JSON.parse(await readDocument(path, path)) as {
      version?: unknown;
      extensions?: Record<string, Partial<LockedExtension>>;
    };
    if (document.version !== formatVersion) throw new Error('another format');
    return new Map(Object.entries(document.extensions ?? {}).map(lockedOf));
  } catch (cause) {
    if (isMissing(cause)) return new Map();
    throw new OciError('CONFIG_INVALID', `${path} is no lock file of extensions`, {
      cause,
      hint: 'Remove it, and install without `frozen` to make it anew.',
      reason: { kind: 'lock-invalid', of: 'extensions' },
    });
  }
}

function lockedOf([id, { version, digest }]: [string, Partial<LockedExtension>]): [
  string,
  LockedExtension,
] {
  if (typeof version === 'string' && typeof digest === 'string' && isDigest(digest))
    return [id, { version, digest }];
  throw new Error(`the entry ${id}`);
}

/** Names in order, so that the same lock is the same file. */
export async function writeExtensionLock(path: string, lock: ExtensionLock): Promise<void> {
  const extensions = Object.fromEntries([...lock].sort(([a], [b]) => (a < b ? -1 : 1)));
  const text = `${JSON.stringify({ version: formatVersion, extensions }, undefined, 2)}\n`;
  await onStorage({ path }, () => replaceFile(path, text));
}
