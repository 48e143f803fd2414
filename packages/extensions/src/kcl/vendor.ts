import { join, resolve } from 'node:path';

import { readPulled } from '@oci/manager';
import {
  type Digest,
  type EventListener,
  OciError,
  isOciError,
  parseReference,
} from '@oci/spec-types';
import { isMissing, replaceFile } from '@oci/files';

import { type KclGraph, type ResolvedPackage, resolveKclGraph } from '../depend/kcl-graph.js';
import type { KclSource, PulledPackage } from '../depend/kcl-source.js';
import { readDocument } from '../document/document-text.js';
import { type LockedPackage, formatKclLock, parseKclLock } from './kcl-lock.js';
import { type KclMod, parseKclMod } from './kcl-mod.js';
import { type VendorDirectory, vendorPath, vendorRoot } from './vendor-directory.js';
import { placePackage } from './vendor-placement.js';

export interface VendorOptions {
  /** The directory that packages are put in. Default `vendor`. */
  readonly layout?: VendorDirectory | undefined;
  /** Take exactly what `kcl.mod.lock` holds, and change nothing in it. */
  readonly frozen?: boolean | undefined;
  /** Where `KCL_PKG_PATH` and the like are read. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Hears which versions were passed over, and why. */
  readonly onEvent?: EventListener | undefined;
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
 * writes `kcl.mod.lock` with the digest of each. A package whose files are there stays.
 *
 * @throws OciError `DEPENDENCY_CONFLICT`, `DIGEST_MISMATCH` when a version is not what the lock holds,
 * `EXTENSION_INVALID`, `POLICY_REFUSED` when `vendor` is a link, and what pulling and unpacking can fail with
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
  const graph = await resolveKclGraph(mod, source, { ...options, locked });
  refuseMoved(graph, locked);
  const entries = graph.nodes.map(({ version, content }) => lockedOf(version, content, locked));
  const newLock = formatKclLock(entries);
  if (options.frozen) refuseUnlocked(mod, graph, locked);
  const warnings = [...graph.warnings];
  const packages: VendoredPackage[] = [];
  for (const { version, content } of graph.nodes)
    packages.push(
      await place({ version, content }, { directory: root, source, warnings, options }),
    );
  if (!options.frozen && newLock !== lockText)
    await replaceFile(join(root, 'kcl.mod.lock'), newLock);
  return { packages, warnings };
}

async function textOf(directory: string, name: string, missing?: string): Promise<string> {
  try {
    return await readDocument(join(directory, name), name);
  } catch (cause) {
    if (isOciError(cause)) throw cause;
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
    hint: 'Resolve once without `frozen`, and keep kcl.mod.lock with the sources.',
    reason: { kind: 'lock-incomplete', of: 'kcl' },
  });
}

interface Context {
  readonly directory: string;
  readonly source: KclSource;
  readonly warnings: string[];
  readonly options: VendorOptions;
}

/** Gives a package as the graph has it, and after that pulls the same content again. */
function pulls(
  {
    version,
    content: { place: from, pulled },
  }: { readonly version: string; readonly content: ResolvedPackage },
  { source, options: { signal = new AbortController().signal } }: Context,
): () => Promise<PulledPackage> {
  let known: PulledPackage | undefined = pulled;
  return async () => {
    const found = known ?? (await source.pull(from, version, signal));
    known = undefined;
    if (found.manifestDigest === pulled.manifestDigest) return found;
    throw new OciError(
      'DIGEST_MISMATCH',
      `${pulled.reference} was ${pulled.manifestDigest}, and is ${found.manifestDigest} now`,
      { hint: 'The version was published again meanwhile. If that is right, try again.' },
    );
  };
}

async function place(
  { version, content }: { readonly version: string; readonly content: ResolvedPackage },
  context: Context,
): Promise<VendoredPackage> {
  const { directory, warnings, options } = context;
  const { name, pulled } = content;
  const { registry, repository } = parseReference(pulled.reference);
  const kind = options.layout ?? 'vendor';
  const at = vendorRoot(kind, directory, options.env ?? process.env);
  const path = vendorPath(kind, { name, version, registry, repository });
  const relative = join(at.relative, path);
  const { before, isSummed } = await readPulled(pulls({ version, content }, context), (found) =>
    placePackage(found, { root: at.root, relative }, options),
  );
  if (before === 'other')
    warnings.push(`${name} ${version}: ${relative} had other files than the package; replaced`);
  if (!isSummed)
    warnings.push(
      `${name} ${version}: its files have another sum than was published, as include and exclude make it`,
    );
  return {
    name,
    version,
    source: pulled.reference,
    digest: pulled.manifestDigest,
    path: join(at.root, relative),
    changed: before !== 'same',
  };
}
