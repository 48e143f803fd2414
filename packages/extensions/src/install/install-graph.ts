import { type EventListener, OciError, Operation } from '@oci/spec-types';

import {
  type ExtensionGraphSource,
  type ExtensionRequest,
  type ResolvedExtension,
  resolveExtensionGraph,
} from '../depend/extension-graph.js';
import type { GraphNode } from '../depend/graph.js';
import { enforcePolicy } from '../policy/extension-policy.js';
import { type ExtensionLock, readExtensionLock, writeExtensionLock } from './extension-lock.js';
import { type InstallOptions, type InstalledExtension, installExtension } from './install.js';
import { listInstalled } from './installed.js';

export interface InstallGraphOptions extends InstallOptions {
  /** A file with the version and digest of everything: read when it is there, and written. */
  readonly lockFile?: string | undefined;
  /** Install exactly what the lock file has. */
  readonly frozen?: boolean | undefined;
}

/** An extension that was asked for, and those that it needs. */
export interface InstalledGraph {
  readonly extension: InstalledExtension;
  /** In the order in which they were installed. */
  readonly dependencies: readonly InstalledExtension[];
}

/**
 * Installs an extension and all that it needs, what is needed first. Nothing is installed before
 * everything is resolved and pulled; what is in use already and fits stays.
 *
 * @throws OciError `DEPENDENCY_CONFLICT`, `USAGE` for `frozen` without a lock file, and as {@link installExtension}
 */
export function installExtensionGraph(
  source: ExtensionGraphSource,
  request: ExtensionRequest,
  options: InstallGraphOptions,
): Operation<InstalledGraph> {
  return new Operation(async (emit) => {
    const lock = await readLock(options);
    const context = { source, lock, options, emit };
    const nodes = await resolve(request, context);
    if (options.frozen) refuseUnlocked(nodes, lock);
    for (const node of nodes) refuseByPolicy(node, options);
    const installed: InstalledExtension[] = [];
    for (const node of nodes) installed.push(await installNode(node, context));
    if (options.lockFile !== undefined && !options.frozen)
      await writeExtensionLock(options.lockFile, lockOf(installed, lock));
    return splitOff(installed, idOf(request));
  });
}

interface Context {
  readonly source: ExtensionGraphSource;
  readonly lock: ExtensionLock;
  readonly options: InstallGraphOptions;
  readonly emit: EventListener;
}

type Node = GraphNode<ResolvedExtension>;

async function readLock({ frozen, lockFile }: InstallGraphOptions): Promise<ExtensionLock> {
  if (lockFile !== undefined) return readExtensionLock(lockFile);
  if (!frozen) return new Map();
  throw new OciError('USAGE', 'a frozen install needs a lock file', {
    hint: 'Name it with `lockFile`.',
    reason: { kind: 'lock-missing' },
  });
}

async function resolve(
  request: ExtensionRequest,
  { source, lock, options, emit }: Context,
): Promise<readonly Node[]> {
  const inUse = await versionsInUse(options.installDir);
  // Who asks for an extension again wants what is new of it, but not of all that it needs.
  const preferred = (id: string): string | undefined =>
    lock.get(id)?.version ?? (id === idOf(request) ? undefined : inUse.get(id));
  const { signal } = options;
  const graph = await resolveExtensionGraph(request, source, { preferred, signal, onEvent: emit });
  for (const message of graph.warnings) emit({ type: 'warning', message });
  return graph.nodes;
}

async function installNode(
  { id, version, content: { type, name, pulled } }: Node,
  { source, lock, options, emit }: Context,
): Promise<InstalledExtension> {
  const held = lock.get(id);
  const expectedDigest = held?.version === version ? held.digest : pulled.manifestDigest;
  const step = installExtension(source, { type, name, version }, { ...options, expectedDigest });
  step.on(emit);
  return step;
}

function idOf({ type, name }: { readonly type: string; readonly name: string }): string {
  return `${type}/${name}`;
}

async function versionsInUse(installDir: string): Promise<ReadonlyMap<string, string>> {
  const entries = await listInstalled(installDir);
  return new Map(
    entries.flatMap(({ type, name, current }) =>
      current === null ? [] : [[idOf({ type, name }), current] as const],
    ),
  );
}

function refuseByPolicy({ version, content }: Node, { policy }: InstallGraphOptions): void {
  if (!policy) return;
  const { type, name, pulled } = content;
  enforcePolicy(policy, { type, name, version, source: pulled.reference });
}

function refuseUnlocked(nodes: readonly Node[], lock: ExtensionLock): void {
  const missing = nodes.filter(({ id, version }) => lock.get(id)?.version !== version);
  if (missing.length === 0) return;
  const names = missing.map(({ id, version }) => `${id} ${version}`).join(', ');
  throw new OciError('DEPENDENCY_CONFLICT', `the lock file does not hold ${names}`, {
    hint: 'Install once without `frozen`, and keep the lock file.',
    reason: { kind: 'lock-incomplete', of: 'extensions' },
  });
}

/** One file may hold several extensions, so what others wrote stays. */
function lockOf(installed: readonly InstalledExtension[], before: ExtensionLock): ExtensionLock {
  const lock = new Map(before);
  for (const { version, manifestDigest, ...extension } of installed)
    lock.set(idOf(extension), { version, digest: manifestDigest });
  return lock;
}

function splitOff(installed: readonly InstalledExtension[], own: string): InstalledGraph {
  const isOwn = (extension: InstalledExtension): boolean => idOf(extension) === own;
  const extension = installed.find(isOwn);
  if (!extension) throw new OciError('INTERNAL', `${own} was not part of its own graph`);
  return { extension, dependencies: installed.filter((one) => !isOwn(one)) };
}
