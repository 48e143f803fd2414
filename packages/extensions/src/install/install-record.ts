import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * What `installed.json` beside the versions of an extension says: which one is in use, and which was
 * before.
 */
export interface InstalledVersions {
  readonly current: string;
  readonly previous: string | null;
}

/** What `.installed.json` in a version says: where it came from. It appears with the version, in one step. */
export interface InstallOrigin {
  /** Of the layer that it was unpacked from. */
  readonly digest: string;
  readonly source: string;
  /** RFC 3339. */
  readonly installedAt: string;
}

const formatVersion = 1;

export async function readInstalled(home: string): Promise<InstalledVersions | undefined> {
  const { current, previous } = (await readRecord(join(home, 'installed.json'))) ?? {};
  if (typeof current !== 'string') return undefined;
  return { current, previous: typeof previous === 'string' ? previous : null };
}

export async function writeInstalled(
  home: string,
  staging: string,
  versions: InstalledVersions,
): Promise<void> {
  const temporary = join(staging, 'installed.json');
  await writeRecord(temporary, versions);
  await rename(temporary, join(home, 'installed.json'));
}

export async function readOrigin(directory: string): Promise<InstallOrigin | undefined> {
  const { digest, source, installedAt } =
    (await readRecord(join(directory, '.installed.json'))) ?? {};
  if (typeof digest !== 'string') return undefined;
  return { digest, source: String(source), installedAt: String(installedAt) };
}

export async function writeOrigin(directory: string, origin: InstallOrigin): Promise<void> {
  const path = join(directory, '.installed.json');
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
    const record = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown> | null;
    return record?.['version'] === formatVersion ? record : undefined;
  } catch {
    return undefined;
  }
}
