import { join } from 'node:path';

import { type PulledArtifact, readPulled } from '@oci/manager';
import {
  type Digest,
  type EventListener,
  OciError,
  Operation,
  throwIfAborted,
} from '@oci/spec-types';

import { extractPulled } from '../extract/extract-pulled.js';
import type { ExtractLimits } from '../extract/limits.js';
import { type ExtensionPolicy, enforcePolicy } from '../policy/extension-policy.js';
import type { Finding } from '../validate/finding.js';
import {
  type Extension,
  type ExtensionName,
  type ValidateOptions,
  validateExtension,
} from '../validate/validate.js';
import {
  type InstallHome,
  activate,
  contentPath,
  installHome,
  isLinked,
  isSameContent,
  linkVersion,
  placeContent,
  refuseForeign,
  sweepContent,
  versionPath,
  withHome,
  withStaging,
} from './install-home.js';
import { readInstalled, writeOrigin } from './install-record.js';

/** Where extensions are pulled from; an `OciManager` is one. */
export interface ExtensionSource {
  pullExtensionArtifact(
    type: string,
    name: string,
    version: string,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Operation<PulledArtifact>;
}

export interface InstallOptions extends ValidateOptions {
  /** `<installDir>/<type>/<name>/<version>` gets the extension. */
  readonly installDir: string;
  readonly limits?: Partial<ExtractLimits> | undefined;
  /** What may be installed; everything when it is missing. */
  readonly policy?: ExtensionPolicy | undefined;
  /** Other content than this, of the manifest, is refused. */
  readonly expectedDigest?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** An extension that is in place and in use. */
export interface InstalledExtension extends ExtensionName {
  /** Absolute. */
  readonly path: string;
  /** Of the layer that it was unpacked from. */
  readonly digest: Digest;
  readonly manifestDigest: Digest;
  /** False when it was there already. */
  readonly changed: boolean;
}

/**
 * Pulls, unpacks, validates and installs an extension, and puts it into use. Whatever ends it, and however
 * many do it at once: the version that was in use still is, or the new one is, whole. Nothing of the
 * artifact is run.
 *
 * @throws OciError `EXTENSION_INVALID` with all findings, `POLICY_REFUSED`, `DIGEST_MISMATCH`, `USAGE`
 * where a directory stands that nobody installed, and what pulling and unpacking can fail with
 */
export function installExtension(
  source: ExtensionSource,
  target: ExtensionName,
  options: InstallOptions,
): Operation<InstalledExtension> {
  return new Operation(async (emit) => {
    const home = installHome(options.installDir, target);
    versionPath(home, target.version);
    if (options.policy) enforcePolicy(options.policy, target);
    const { type, name, version } = target;
    const pull = (): Operation<PulledArtifact> => {
      const { signal } = options;
      const operation = source.pullExtensionArtifact(type, name, version, { signal });
      operation.on(emit);
      return operation;
    };
    return readPulled(pull, async (pulled) => {
      if (options.policy) enforcePolicy(options.policy, { ...target, source: pulled.reference });
      refuseOtherContent(pulled, options.expectedDigest);
      return install(pulled, target, { home, options, emit });
    });
  });
}

interface InstallContext {
  readonly home: InstallHome;
  readonly options: InstallOptions;
  readonly emit: EventListener;
}

async function install(
  pulled: PulledArtifact,
  target: ExtensionName,
  context: InstallContext,
): Promise<InstalledExtension> {
  const { home, options } = context;
  const path = versionPath(home, target.version);
  const content = contentPath(home, target.version, pulled.digest);
  const { digest, manifestDigest } = pulled;
  const installed = { ...target, path, digest, manifestDigest };
  const isShown = await isInUse(home, target, content);
  const changed = await withStaging(options.installDir, async (staging) => {
    // Unpacking takes long, so it is done before the lock is asked for.
    const prepared = (await unpack(pulled, target, { ...context, staging })).root;
    throwIfAborted(options.signal);
    // What a checkout says of its own files proves nothing.
    if (isShown && (await isSameContent(prepared, content))) return false;
    await commit({ target, content, prepared }, context);
    return true;
  });
  return { ...installed, changed };
}

async function isInUse(
  home: InstallHome,
  { version }: ExtensionName,
  content: string,
): Promise<boolean> {
  if (!(await isLinked(home, version, content))) return false;
  const record = await readInstalled(home.directory);
  return record?.current === version;
}

async function commit(
  { target, prepared, content }: { target: ExtensionName; content: string; prepared: string },
  { home, options, emit }: InstallContext,
): Promise<void> {
  const path = versionPath(home, target.version);
  return withHome(
    home,
    async (staging) => {
      await refuseForeign(path);
      if (await placeContent(prepared, content, staging)) {
        const message = `${path} had files that are not those of the package; they are replaced`;
        emit({ type: 'warning', message });
      }
      await linkVersion(path, content, staging);
      const before = await readInstalled(home.directory);
      const previous = before?.current === target.version ? before.previous : before?.current;
      await activate(home, { current: target.version, previous: previous ?? null }, staging);
      await sweepContent(home, staging);
    },
    options.signal,
  );
}

async function unpack(
  pulled: PulledArtifact,
  target: ExtensionName,
  { staging, options, emit }: InstallContext & { readonly staging: string },
): Promise<Extension> {
  const { signal, limits } = options;
  const tree = await extractPulled(pulled, join(staging, 'tree'), { signal, limits });
  const { extension, findings, metadata } = await validateExtension(tree, target, options);
  if (!extension) throw invalid(target, findings);
  for (const { path, message } of findings)
    emit({ type: 'warning', message: `${path}: ${message}` });
  await writeOrigin(extension.root, {
    digest: pulled.digest,
    manifestDigest: pulled.manifestDigest,
    source: pulled.reference,
    installedAt: new Date().toISOString(),
    dependencies: (metadata?.dependencies ?? []).map((text) => dependencyName(text, target.type)),
  });
  return extension;
}

/** `type/name` of a dependency; without a type it is of the same. */
function dependencyName(text: string, type: string): string {
  const [name = ''] = text.split('@');
  return name.includes('/') ? name : `${type}/${name}`;
}

function refuseOtherContent(pulled: PulledArtifact, expected: string | undefined): void {
  if (expected === undefined || expected === pulled.manifestDigest) return;
  throw new OciError(
    'DIGEST_MISMATCH',
    `${pulled.reference} is ${pulled.manifestDigest} now, and the lock file says ${expected}`,
    {
      hint: 'The version was published again. If that is right, resolve without `frozen`.',
      reason: { kind: 'lock-contradicted' },
    },
  );
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
