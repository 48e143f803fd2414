import { randomUUID } from 'node:crypto';
import {
  lstat,
  mkdir,
  readdir,
  readlink,
  rename,
  rm,
  rmdir,
  stat,
  symlink,
} from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';

import { type ExtensionType, parseExtensionType } from '@oci/manager';
import { type Digest, OciError, parseRepositoryName, tagOfVersion } from '@oci/spec-types';
import {
  hasCode,
  onStorage,
  ownProcess,
  processState,
  refuseLinks,
  unlessMissing,
  withFileLock,
} from '@oci/files';

import { isSameTree } from '../kcl/same-tree.js';
import {
  type InstalledVersions,
  originFile,
  readOrigin,
  writeInstalled,
} from './install-record.js';

/**
 * Where the versions of one extension are:
 *
 * ```
 * <installDir>/.staging/<process>-…         what is being unpacked, or removed
 * <installDir>/.locks/<type>-<name>/        who changes the extension at the moment
 * <installDir>/<type>/<name>/
 *   .content/<version>@<digest>/            unpacked files; appears whole, and never changes
 *   <version>                               link to one of these
 *   installed.json                          which version is in use
 *   current                                 link to that version, for programs that can't read JSON
 * ```
 *
 * What changes is a link or a small file, and each is replaced by one rename.
 */
export interface InstallHome {
  readonly directory: string;
  readonly installDir: string;
  readonly lock: string;
}

const contentDirectory = '.content';
const currentLink = 'current';
/** Milliseconds after which a staging directory of a process that is gone is left over, and of any process. */
const leftover = { ofTheDeadMs: 10 * 60_000, ofAnyoneMs: 24 * 60 * 60_000 } as const;

/** @throws OciError `USAGE`, `REFERENCE_INVALID` for what would be a path elsewhere */
export function installHome(
  installDir: string,
  extension: { readonly type: ExtensionType; readonly name: string },
): InstallHome {
  const { type, name } = extension;
  parseExtensionType(type);
  parseRepositoryName(name);
  // A name with a slash would lie within another extension's versions.
  if (name.includes('/')) {
    throw new OciError('REFERENCE_INVALID', `invalid extension name ${JSON.stringify(name)}`, {
      hint: 'The name of an extension is one component, without "/".',
    });
  }
  const root = resolve(installDir);
  return {
    installDir: root,
    directory: join(root, type, name),
    lock: join(root, '.locks', `${type}-${name}`),
  };
}

/** @throws OciError `REFERENCE_INVALID` for what is no version, or the name of something else */
export function versionPath(home: InstallHome, version: string): string {
  tagOfVersion(version);
  if (version === currentLink || version === 'installed.json' || version.startsWith('.')) {
    throw new OciError('REFERENCE_INVALID', `${version} can not be installed as a version`, {
      hint: 'Install a version by its number.',
    });
  }
  return join(home.directory, version);
}

/** Where the content of a version with a digest is, or will be. */
export function contentPath(home: InstallHome, version: string, digest: Digest): string {
  return join(home.directory, contentDirectory, `${version}@${digest.replace(':', '-')}`);
}

/** Runs `work` while no other process changes the extension, with a directory of its own to prepare things in. */
export function withHome<T>(
  home: InstallHome,
  work: (staging: string) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  return withStaging(home.installDir, async (staging) => {
    refuseLinks(home.installDir, home.lock);
    const inTurn = async (): Promise<T> => {
      refuseLinks(home.installDir, join(home.directory, contentDirectory, currentLink));
      return work(staging);
    };
    return withFileLock(home.lock, inTurn, { signal });
  });
}

/** A directory in the same file system as the installed versions, removed at the end. */
export async function withStaging<T>(
  installDir: string,
  work: (staging: string) => Promise<T>,
): Promise<T> {
  const root = resolve(installDir, '.staging');
  refuseLinks(resolve(installDir), join(root, currentLink));
  await removeLeftovers(root);
  const staging = join(root, `${ownProcess}-${randomUUID()}`);
  try {
    return await onStorage({ path: installDir }, async () => {
      await mkdir(staging, { recursive: true });
      return work(staging);
    });
  } finally {
    // Below a file there is nothing to remove, and Node says so.
    await rm(staging, { recursive: true, force: true }).catch(unlessMissing);
  }
}

/** Whether two directories have the same files, but for what says where they came from. */
export function isSameContent(prepared: string, content: string): Promise<boolean> {
  return isSameTree(prepared, content, originFile);
}

/**
 * Gives a prepared directory its name, unless exactly its files are there. What else is there goes to `staging`.
 *
 * @returns whether an installed content was there with other files
 */
export async function placeContent(
  prepared: string,
  content: string,
  staging: string,
): Promise<boolean> {
  const there = await lstat(content).catch(unlessMissing);
  const isWhole = there?.isDirectory() === true && (await readOrigin(content)) !== undefined;
  if (isWhole && (await isSameContent(prepared, content))) return false;
  await mkdir(join(content, '..'), { recursive: true });
  if (there) await rename(content, join(staging, 'other'));
  await rename(prepared, content);
  return isWhole;
}

/** Whether a version shows a content, and is the one that `current` shows. */
export async function isLinked(
  home: InstallHome,
  version: string,
  content: string,
): Promise<boolean> {
  const [shown, current] = await Promise.all(
    [version, currentLink].map((name) =>
      readlink(join(home.directory, name)).catch(() => undefined),
    ),
  );
  return shown === join(contentDirectory, basename(content)) && current === version;
}

/** Makes a version show a content, in one step. */
export async function linkVersion(path: string, content: string, staging: string): Promise<void> {
  await replaceLink(path, join(contentDirectory, basename(content)), staging);
}

/** Puts a version into use: the record first, for it decides; then the link, which follows it. */
export async function activate(
  home: InstallHome,
  versions: InstalledVersions,
  staging: string,
): Promise<void> {
  await writeInstalled(home.directory, staging, versions);
  await replaceLink(join(home.directory, currentLink), versions.current, staging);
}

async function replaceLink(path: string, target: string, staging: string): Promise<void> {
  if ((await readlink(path).catch(() => undefined)) === target) return;
  const temporary = join(staging, `${basename(path)}.link`);
  await rm(temporary, { force: true });
  await symlink(target, temporary, 'dir');
  await rename(temporary, path);
}

/** The versions that are installed: links to content that is there. */
export async function versionsIn(home: InstallHome): Promise<readonly string[]> {
  const entries = await entriesOf(home);
  const found: string[] = [];
  for (const { name, isLink } of entries)
    if (isLink && name !== currentLink && (await readOrigin(join(home.directory, name))))
      found.push(name);
  return found;
}

/** What stands in the directory of an extension and is none of ours. */
export async function foreignEntries(home: InstallHome): Promise<readonly string[]> {
  const own = new Set([contentDirectory, currentLink, 'installed.json']);
  const entries = await entriesOf(home);
  return entries.filter(({ name, isLink }) => !isLink && !own.has(name)).map(({ name }) => name);
}

async function entriesOf(home: InstallHome): Promise<{ name: string; isLink: boolean }[]> {
  const entries = await readdir(home.directory, { withFileTypes: true }).catch(() => []);
  return entries
    .map((entry) => ({ name: entry.name, isLink: entry.isSymbolicLink() }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** What no install has put there is somebody's, and stays. @throws OciError `USAGE` */
export async function refuseForeign(path: string): Promise<void> {
  const info = await lstat(path).catch(() => undefined);
  if (!info || info.isSymbolicLink()) return;
  try {
    await rmdir(path);
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return;
    throw new OciError('USAGE', `${path} exists, and was not installed from a registry`, {
      cause,
      hint: 'Move it away, or install into another directory.',
      reason: { kind: 'file-taken', by: 'foreign-install' },
    });
  }
}

/** Moves content that no version shows to the staging directory, with which it vanishes. */
export async function sweepContent(home: InstallHome, staging: string): Promise<void> {
  const contents = join(home.directory, contentDirectory);
  const shown = new Set<string>();
  for (const { name, isLink } of await entriesOf(home))
    if (isLink) shown.add(basename(await readlink(join(home.directory, name))));
  for (const name of await readdir(contents).catch(() => []))
    if (!shown.has(name)) await rename(join(contents, name), join(staging, name));
}

async function removeLeftovers(stagingRoot: string): Promise<void> {
  for (const name of await readdir(stagingRoot).catch(() => [])) {
    const path = join(stagingRoot, name);
    const info = await stat(path).catch(() => undefined);
    if (!info) continue;
    const age = Date.now() - info.mtimeMs;
    const isDead = processState(name) === 'dead';
    if (age > leftover.ofAnyoneMs || (isDead && age > leftover.ofTheDeadMs))
      await rm(path, { recursive: true, force: true });
  }
}
