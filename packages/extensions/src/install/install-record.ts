import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { readDocument } from '../document/document-text.js';

/**
 * What `installed.json` beside the versions of an extension says: which one is in use, and which was
 * before. Its replacement is the moment at which another version is in use.
 */
export interface InstalledVersions {
  readonly current: string;
  readonly previous: string | null;
}

/** What `.installed.json` in a version says: where it came from. It appears with the version, in one step. */
export interface InstallOrigin {
  /** Of the layer that it was unpacked from. */
  readonly digest: string;
  readonly manifestDigest: string;
  /** The reference that it was pulled by. */
  readonly source: string;
  /** RFC 3339. */
  readonly installedAt: string;
  /** `type/name` of the extensions that it needs. */
  readonly dependencies: readonly string[];
}

const formatVersion = 1;
/** In the directory of a version. */
export const originFile = '.installed.json';
const versionsFile = 'installed.json';

export async function readInstalled(home: string): Promise<InstalledVersions | undefined> {
  const { current, previous } = (await readRecord(join(home, versionsFile))) ?? {};
  if (typeof current !== 'string') return undefined;
  return { current, previous: typeof previous === 'string' ? previous : null };
}

export async function writeInstalled(
  home: string,
  staging: string,
  versions: InstalledVersions,
): Promise<void> {
  const temporary = join(staging, versionsFile);
  await writeRecord(temporary, versions);
  await rename(temporary, join(home, versionsFile));
}

export async function readOrigin(directory: string): Promise<InstallOrigin | undefined> {
  const record = (await readRecord(join(directory, originFile))) ?? {};
  const { digest, dependencies } = record;
  if (typeof digest !== 'string') return undefined;
  return {
    digest,
    manifestDigest: String(record['manifestDigest']),
    source: String(record['source']),
    installedAt: String(record['installedAt']),
    dependencies: Array.isArray(dependencies) ? dependencies.map(String) : [],
  };
}

export async function writeOrigin(directory: string, origin: InstallOrigin): Promise<void> {
  const path = join(directory, originFile);
  // An archive may hold anything under this name.
  await rm(path, { recursive: true, force: true });
  await writeRecord(path, origin);
}

async function writeRecord(path: string, record: object): Promise<void> {
  await writeFile(path, `${JSON.stringify({ version: formatVersion, ...record }, undefined, 2)}\n`);
}

/** A record that can't be read, or is of a later format, counts as none: the version is installed anew. */
async function readRecord(path: string): Promise<Record<string, unknown> | undefined> {
  try {
    const record = JSON.parse(await readDocument(path, path)) as Record<string, unknown> | null;
    return record?.['version'] === formatVersion ? record : undefined;
  } catch {
    return undefined;
  }
}
