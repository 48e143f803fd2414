import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

import { type Digest, OciError, type Reference, parseReference } from '@oci/spec-types';
import { isMissing, onStorage, replaceFile, unlessMissing } from '@oci/spec-types/node';

import { type KclGraph, type ResolvedPackage, resolveKclGraph } from '../depend/kcl-graph.js';
import type { KclSource } from '../depend/kcl-source.js';
import { withPackage } from '../extract/archive-rule.js';
import { contentRoot } from '../extract/content-root.js';
import { extractArchive } from '../extract/extract.js';
import { readSourceTree } from '../pack/source-tree.js';
import { type LockedPackage, formatKclLock, parseKclLock } from './kcl-lock.js';
import { type KclMod, parseKclMod } from './kcl-mod.js';
import { kclSum } from './kcl-sum.js';
import { type VendorLayout, vendorPath, vendorRoot } from './vendor-layout.js';

export interface VendorOptions {
  /** Default `vendor`. */
  readonly layout?: VendorLayout | undefined;
  /** Take exactly what `kcl.mod.lock` holds, and change nothing in it. */
  readonly frozen?: boolean | undefined;
  /** Where `KCL_PKG_PATH` and the like are read. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A package that is where `kcl` finds it. */
export interface VendoredPackage {
  readonly name: string;
  readonly version: string;
  /** The reference that it was pulled by. */
  readonly source: string;
  /** Of the manifest. */
  readonly digest: Digest;
  /** Absolute. */
  readonly path: string;
  /** False when it was there already. */
  readonly changed: boolean;
}

export interface Vendored {
  readonly packages: readonly VendoredPackage[];
  readonly warnings: readonly string[];
}

/**
 * Puts everything that a package needs where `kcl` finds it, so that it runs without a network, and
 * writes `kcl.mod.lock` with the digest of each. A package that is there with the right digest stays.
 *
 * @throws OciError `DEPENDENCY_CONFLICT`, `DIGEST_MISMATCH` when a version is not what the lock holds,
 * `EXTENSION_INVALID`, and what pulling and unpacking can fail with
 */
export async function vendorKclPackage(
  directory: string,
  source: KclSource,
  options: VendorOptions = {},
): Promise<Vendored> {
  const root = resolve(directory);
  const mod = parseKclMod(await textOf(root, 'kcl.mod'));
  const lockText = await textOf(root, 'kcl.mod.lock', '');
  const locked = parseKclLock(lockText);
  const graph = await resolveKclGraph(mod, source, { locked, signal: options.signal });
  refuseMoved(graph, locked);
  const entries = graph.nodes.map(({ version, content }) => lockedOf(version, content, locked));
  const newLock = formatKclLock(entries);
  if (options.frozen) refuseUnlocked(mod, graph, locked);
  const layout = options.layout ?? 'vendor';
  const base = vendorRoot(layout, root, options.env ?? process.env);
  const warnings = [...graph.warnings];
  const packages: VendoredPackage[] = [];
  for (const { version, content } of graph.nodes)
    packages.push(await place({ version, content }, { base, layout, warnings, options }));
  if (!options.frozen && newLock !== lockText)
    await replaceFile(join(root, 'kcl.mod.lock'), newLock);
  return { packages, warnings };
}

async function textOf(directory: string, name: string, missing?: string): Promise<string> {
  try {
    return await readFile(join(directory, name), 'utf8');
  } catch (cause) {
    if (missing !== undefined && isMissing(cause)) return missing;
    throw new OciError('USAGE', `${join(directory, name)} can not be read`, {
      cause,
      hint: 'Name the directory of a KCL package, with its kcl.mod.',
    });
  }
}

/** What the lock file says of a package: what was published, and never less than it said before. */
function lockedOf(
  version: string,
  { name, pulled }: ResolvedPackage,
  before: ReadonlyMap<string, LockedPackage>,
): LockedPackage {
  const { registry, repository, tag } = parseReference(pulled.reference);
  const old = before.get(name);
  return {
    name,
    version,
    // An empty sum must not take the place of one that is known (kcl-lang/kpm#499).
    sum: pulled.sum || (old?.version === version ? old.sum : ''),
    registry,
    repository,
    tag,
    digest: pulled.manifestDigest,
  };
}

function refuseMoved(graph: KclGraph, locked: ReadonlyMap<string, LockedPackage>): void {
  for (const { version, content } of graph.nodes) {
    const held = locked.get(content.name);
    const { manifestDigest, reference } = content.pulled;
    if (held?.version !== version || held.digest === undefined || held.digest === manifestDigest)
      continue;
    throw new OciError(
      'DIGEST_MISMATCH',
      `${reference} is ${manifestDigest}, and kcl.mod.lock says ${held.digest}`,
      { hint: 'The version was published again. If that is right, remove it from kcl.mod.lock.' },
    );
  }
}

function refuseUnlocked(
  mod: KclMod,
  graph: KclGraph,
  locked: ReadonlyMap<string, LockedPackage>,
): void {
  const missing = graph.nodes.filter(({ version, content }) => {
    const held = locked.get(content.name);
    return held?.version !== version || held.digest === undefined;
  });
  if (missing.length === 0) return;
  const names = missing.map(({ content, version }) => `${content.name} ${version}`).join(', ');
  throw new OciError('DEPENDENCY_CONFLICT', `kcl.mod.lock of ${mod.name} does not hold ${names}`, {
    hint: 'Resolve once without --frozen, and keep kcl.mod.lock with the sources.',
  });
}

interface Placement {
  readonly base: string;
  readonly layout: VendorLayout;
  readonly warnings: string[];
  readonly options: VendorOptions;
}

async function place(
  { version, content }: { readonly version: string; readonly content: ResolvedPackage },
  { base, layout, warnings, options }: Placement,
): Promise<VendoredPackage> {
  const { name, pulled } = content;
  const relative = vendorPath(layout, {
    name,
    version,
    ...placeOf(parseReference(pulled.reference)),
  });
  const path = join(base, relative);
  const record = join(base, '.ocictl', `${relative.replaceAll('/', '_')}.json`);
  const vendored = { name, version, source: pulled.reference, digest: pulled.manifestDigest, path };
  if (await isThere(path, record, pulled.manifestDigest)) return { ...vendored, changed: false };
  const staging = join(base, '.ocictl', randomUUID());
  await onStorage({ path }, async () => {
    try {
      await mkdir(staging, { recursive: true });
      const tree = await extractArchive(pulled.path, join(staging, 'tree'), options).catch(
        withPackage(pulled.reference),
      );
      const root = await contentRoot(tree);
      const sum = kclSum((await readSourceTree(root)).filter(({ type }) => type === 'file'));
      if (pulled.sum !== '' && pulled.sum !== sum)
        warnings.push(
          `${name} ${version}: its files have another sum than was published, as include and exclude make it`,
        );
      await rm(record, { force: true });
      await replaceDirectory(root, path, staging);
      await replaceFile(record, `${JSON.stringify({ digest: pulled.manifestDigest })}\n`);
    } finally {
      await rm(staging, { recursive: true, force: true });
    }
  });
  return { ...vendored, changed: true };
}

function placeOf({ registry, repository }: Reference): { registry: string; repository: string } {
  return { registry, repository };
}

async function isThere(path: string, record: string, digest: Digest): Promise<boolean> {
  try {
    const said = JSON.parse(await readFile(record, 'utf8')) as { digest?: unknown };
    await readFile(join(path, 'kcl.mod'));
    return said.digest === digest;
  } catch {
    return false;
  }
}

async function replaceDirectory(from: string, to: string, staging: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await rename(to, join(staging, 'old')).catch(unlessMissing);
  await rename(from, to);
}
