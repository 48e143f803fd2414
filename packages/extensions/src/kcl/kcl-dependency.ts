import { posix } from 'node:path';

import {
  type Digest,
  OciError,
  type RegistryHost,
  type RepositoryName,
  isOciError,
  parseDigest,
  parseRegistryHost,
  parseRepositoryName,
} from '@oci/spec-types';

import { type TomlTable, asTable, textOf } from '../document/toml.js';

/** A dependency of a `kcl.mod`, by where it comes from. */
export type KclDependency = OciDependency | GitDependency | PathDependency;

/** From a registry. */
export interface OciDependency {
  readonly kind: 'oci';
  /** What the package imports it by. */
  readonly name: string;
  /** The name of the package, when it is imported by another one. */
  readonly package: string;
  /** Undefined is the default registry. */
  readonly registry: RegistryHost | undefined;
  /** Undefined is where the default registry has packages of this name. */
  readonly repository: RepositoryName | undefined;
  /** A version or a range of semantic versions; undefined is the newest. */
  readonly version: string | undefined;
  readonly digest: Digest | undefined;
}

interface GitDependency {
  readonly kind: 'git';
  readonly name: string;
  readonly url: string;
}

export interface PathDependency {
  readonly kind: 'path';
  readonly name: string;
  readonly path: string;
}

const nameGrammar = /^[A-Za-z0-9_][A-Za-z0-9_-]{0,254}$/;

/**
 * Reads one entry of `[dependencies]`: a version; or a table with `oci`, `repo`, `git`, `path`, or a
 * version with another package name.
 *
 * @throws OciError `EXTENSION_INVALID`
 */
export function parseKclDependency(name: string, value: unknown): KclDependency {
  if (!nameGrammar.test(name)) throw invalid(name, 'has no valid name');
  if (typeof value === 'string') return ociDependency(name, { version: value });
  const table = asTable(value);
  if (!table) throw invalid(name, 'is neither a version nor a table');
  const git = textOf(table, 'git');
  if (git !== undefined) return { kind: 'git', name, url: git };
  const path = textOf(table, 'path');
  const isElsewhere = textOf(table, 'oci') !== undefined || textOf(table, 'repo') !== undefined;
  if (path !== undefined && !isElsewhere) return { kind: 'path', name, path };
  return ociDependency(name, table);
}

function ociDependency(name: string, table: TomlTable): OciDependency {
  const version = textOf(table, 'tag') ?? textOf(table, 'version');
  const digest = textOf(table, 'digest');
  try {
    return {
      kind: 'oci',
      name,
      package: textOf(table, 'package') ?? name,
      ...placeOf(table),
      version,
      digest: digest === undefined ? undefined : parseDigest(digest),
    };
  } catch (error) {
    if (isOciError(error)) throw invalid(name, `is wrong: ${error.message}`, error);
    throw error;
  }
}

function placeOf(table: TomlTable): Pick<OciDependency, 'registry' | 'repository'> {
  const url = textOf(table, 'oci');
  const repo = textOf(table, 'repo');
  if (url !== undefined) return parseOciUrl(url);
  const registry = textOf(table, 'reg');
  return {
    registry: registry === undefined ? undefined : parseRegistryHost(registry),
    repository: repo === undefined ? undefined : parseRepositoryName(repo),
  };
}

/** `oci://host[:port]/repository`, which kpm writes. @throws OciError `REFERENCE_INVALID` */
function parseOciUrl(url: string): Pick<OciDependency, 'registry' | 'repository'> {
  const match = /^oci:\/\/([^/]+)\/([^?#]+)$/.exec(url);
  if (!match) {
    throw new OciError(
      'REFERENCE_INVALID',
      `${JSON.stringify(url.slice(0, 200))} is no oci:// URL`,
    );
  }
  return {
    registry: parseRegistryHost(match[1] ?? ''),
    repository: parseRepositoryName(match[2]?.replace(/\/$/, '') ?? ''),
  };
}

function invalid(name: string, why: string, cause?: unknown): OciError {
  return new OciError('EXTENSION_INVALID', `the dependency ${name} of kcl.mod ${why}`, {
    cause,
    hint: 'Write it as name = "1.0.0" or name = { oci = "oci://host/repository", tag = "1.0.0" }.',
  });
}

/** Whether a path dependency leads out of its package: it will not be there once it was published. */
export function leavesPackage({ path }: PathDependency, modFile: string): boolean {
  if (posix.isAbsolute(path) || /^[A-Za-z]:|\\/.test(path)) return true;
  const target = posix.join(posix.dirname(modFile), path);
  return target === '..' || target.startsWith('../');
}
