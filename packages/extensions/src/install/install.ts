import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { type PulledArtifact, parseExtensionType } from '@oci/manager';
import {
  type Digest,
  type EventListener,
  OciError,
  Operation,
  parseRepositoryName,
  tagOfVersion,
} from '@oci/spec-types';

import { extractArchive } from '../extract/extract.js';
import type { Finding } from '../validate/finding.js';
import { type Extension, type ExtensionName, validateExtension } from '../validate/validate.js';
import { readInstalled, readOrigin, writeInstalled, writeOrigin } from './install-record.js';

/** Where extensions are pulled from; an `OciManager` is one. */
export interface ExtensionSource {
  pullExtensionArtifact(
    type: string,
    name: string,
    version: string,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Operation<PulledArtifact>;
}

export interface InstallOptions {
  /** `<installDir>/<type>/<name>/<version>` gets the extension. */
  readonly installDir: string;
  readonly signal?: AbortSignal | undefined;
}

/** An extension that is in place and in use. */
export interface InstalledExtension extends ExtensionName {
  /** Absolute. */
  readonly path: string;
  /** Of the layer that it was unpacked from. */
  readonly digest: Digest;
  /** False when it was there already. */
  readonly changed: boolean;
}

/** Staging directories of processes that are gone; nobody unpacks for this long. */
const leftoverMs = 24 * 60 * 60_000;

/**
 * Pulls, unpacks, validates and installs an extension. A version appears by one rename, whole; other
 * content under the same version replaces it by two, and what a process that was killed between them left
 * is mended by the next install.
 *
 * @throws OciError `EXTENSION_INVALID` with all findings, `USAGE` where a directory stands that nobody
 * installed, and what pulling and unpacking can fail with
 */
export function installExtension(
  source: ExtensionSource,
  target: ExtensionName,
  options: InstallOptions,
): Operation<InstalledExtension> {
  return new Operation(async (emit) => {
    refuseBadName(target);
    const pull = source.pullExtensionArtifact(target.type, target.name, target.version, {
      signal: options.signal,
    });
    pull.on(emit);
    return install(await pull, target, { options, emit });
  });
}

async function install(
  pulled: PulledArtifact,
  target: ExtensionName,
  { options, emit }: { options: InstallOptions; emit: EventListener },
): Promise<InstalledExtension> {
  const home = resolve(options.installDir, target.type, target.name);
  const path = join(home, target.version);
  const installed = { ...target, path, digest: pulled.digest };
  const before = await readInstalled(home);
  const isThere = (await readOrigin(path))?.digest === pulled.digest;
  if (isThere && before?.current === target.version) return { ...installed, changed: false };
  if (!isThere) await refuseForeign(path);
  await withStaging(options.installDir, async (staging) => {
    if (!isThere) {
      const extension = await unpack(pulled, target, { staging, options, emit });
      await writeOrigin(extension.root, {
        digest: pulled.digest,
        source: pulled.reference,
        installedAt: new Date().toISOString(),
      });
      await swap(extension, path, staging);
    }
    const previous =
      before && before.current !== target.version ? before.current : before?.previous;
    await writeInstalled(home, staging, { current: target.version, previous: previous ?? null });
  });
  return { ...installed, changed: true };
}

async function unpack(
  pulled: PulledArtifact,
  target: ExtensionName,
  { staging, options, emit }: { staging: string; options: InstallOptions; emit: EventListener },
): Promise<Extension> {
  const tree = await extractArchive(pulled.path, join(staging, 'tree'), { signal: options.signal });
  const { extension, findings } = await validateExtension(tree, target);
  if (!extension) throw invalid(target, findings);
  for (const { path, message } of findings)
    emit({ type: 'warning', message: `${path}: ${message}` });
  return extension;
}

/** A name with a slash would lie within another extension's versions. */
function refuseBadName({ type, name, version }: ExtensionName): void {
  parseExtensionType(type);
  parseRepositoryName(name);
  tagOfVersion(version);
  if (!name.includes('/')) return;
  throw new OciError('REFERENCE_INVALID', `invalid extension name ${JSON.stringify(name)}`, {
    hint: 'The name of an extension is one component, without "/".',
  });
}

/** A directory of our own beside the installed ones, removed at the end. */
async function withStaging(
  installDir: string,
  work: (staging: string) => Promise<void>,
): Promise<void> {
  const root = resolve(installDir, '.staging');
  await removeLeftovers(root);
  const staging = join(root, randomUUID());
  try {
    await mkdir(staging, { recursive: true });
    await work(staging);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** What no install has put there is somebody's, and stays. */
async function refuseForeign(path: string): Promise<void> {
  const names = await readdir(path).catch(() => []);
  if (names.length === 0 || (await readOrigin(path))) return;
  throw new OciError('USAGE', `${path} exists, and was not installed from a registry`, {
    hint: 'Move it away, or choose another directory with --install-dir.',
  });
}

/** Puts the new directory where the old one was; when that fails, the old one is back. */
async function swap(extension: Extension, path: string, staging: string): Promise<void> {
  const old = join(staging, 'old');
  await mkdir(join(path, '..'), { recursive: true });
  const hadOld = await rename(path, old).then(
    () => true,
    () => false,
  );
  try {
    await rename(extension.root, path);
  } catch (cause) {
    if (hadOld) await rename(old, path).catch(() => {});
    throw new OciError('STORAGE_FAILED', `${path} can not be replaced`, {
      cause,
      hint: 'Another install may run: try again.',
    });
  }
}

async function removeLeftovers(stagingRoot: string): Promise<void> {
  for (const name of await readdir(stagingRoot).catch(() => [])) {
    const path = join(stagingRoot, name);
    const info = await stat(path).catch(() => undefined);
    if (info && Date.now() - info.mtimeMs > leftoverMs)
      await rm(path, { recursive: true, force: true });
  }
}

function invalid(target: ExtensionName, findings: readonly Finding[]): OciError {
  const said = findings
    .filter(({ severity }) => severity === 'error')
    .map(({ path, message }) => `${path}: ${message}`)
    .join('; ');
  return new OciError(
    'EXTENSION_INVALID',
    `${target.type} ${target.name} ${target.version} is not valid: ${said}`,
    { hint: 'Nothing was installed; what was in use still is.' },
  );
}
