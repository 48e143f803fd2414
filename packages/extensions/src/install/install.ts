import { randomUUID } from 'node:crypto';
import { mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import type { PulledArtifact } from '@oci/manager';
import {
  type Digest,
  type EventListener,
  OciError,
  Operation,
  parseRepositoryName,
  tagOfVersion,
} from '@oci/spec-types';

import { extractArchive } from '../extract/extract.js';
import { type Extension, type ExtensionName, validateExtension } from '../validate/validate.js';

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

/** `installed.json` of an extension: which version is in use, and which was before. */
interface InstallRecord {
  readonly version: 1;
  readonly current: string;
  readonly previous: string | null;
  readonly digest: string;
  readonly source: string;
  readonly installedAt: string;
}

/** Staging directories of processes that are gone; nobody unpacks for this long. */
const leftoverMs = 24 * 60 * 60_000;

/**
 * Pulls, unpacks, validates and installs an extension. The directory in use is replaced by renaming, so
 * it is the old or the new one, whenever the process ends.
 *
 * @throws OciError `EXTENSION_INVALID` with all findings, and what pulling and unpacking can fail with
 */
export function installExtension(
  source: ExtensionSource,
  target: ExtensionName,
  options: InstallOptions,
): Operation<InstalledExtension> {
  return new Operation(async (emit) => {
    parseRepositoryName(target.name);
    tagOfVersion(target.version);
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
  const record = await readRecord(home);
  if (
    record?.current === target.version &&
    record.digest === pulled.digest &&
    (await isDirectory(path))
  ) {
    return { ...installed, changed: false };
  }
  const stagingRoot = resolve(options.installDir, '.staging');
  await removeLeftovers(stagingRoot);
  const staging = join(stagingRoot, randomUUID());
  await mkdir(staging, { recursive: true });
  try {
    const tree = await extractArchive(pulled.path, join(staging, 'tree'), {
      signal: options.signal,
    });
    const { extension, findings } = await validateExtension(tree, target);
    for (const { path: file, message } of findings)
      emit({ type: 'warning', message: `${file}: ${message}` });
    if (!extension)
      throw invalid(
        target,
        findings.filter(({ severity }) => severity === 'error'),
      );
    await swap(extension, path, staging);
    await writeRecord(home, staging, {
      version: 1,
      current: target.version,
      previous:
        record && record.current !== target.version ? record.current : (record?.previous ?? null),
      digest: pulled.digest,
      source: pulled.reference,
      installedAt: new Date().toISOString(),
    });
    return { ...installed, changed: true };
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
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

async function readRecord(home: string): Promise<InstallRecord | undefined> {
  try {
    const record = JSON.parse(
      await readFile(join(home, 'installed.json'), 'utf8'),
    ) as Partial<InstallRecord>;
    const isKnown =
      record.version === 1 &&
      typeof record.current === 'string' &&
      typeof record.digest === 'string';
    return isKnown ? (record as InstallRecord) : undefined;
  } catch {
    // Without a record that can be read, the extension is installed anew.
    return undefined;
  }
}

async function writeRecord(home: string, staging: string, record: InstallRecord): Promise<void> {
  const temporary = join(staging, 'installed.json');
  await writeFile(temporary, `${JSON.stringify(record, undefined, 2)}\n`);
  await rename(temporary, join(home, 'installed.json'));
}

async function removeLeftovers(stagingRoot: string): Promise<void> {
  for (const name of await readdir(stagingRoot).catch(() => [])) {
    const path = join(stagingRoot, name);
    const info = await stat(path).catch(() => undefined);
    if (info && Date.now() - info.mtimeMs > leftoverMs)
      await rm(path, { recursive: true, force: true });
  }
}

async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (info) => info.isDirectory(),
    () => false,
  );
}

function invalid(
  target: ExtensionName,
  errors: readonly { path: string; message: string }[],
): OciError {
  const said = errors.map(({ path, message }) => `${path}: ${message}`).join('; ');
  return new OciError(
    'EXTENSION_INVALID',
    `${target.type} ${target.name} ${target.version} is not valid: ${said}`,
    {
      hint: 'Nothing was installed; what was in use still is.',
    },
  );
}
