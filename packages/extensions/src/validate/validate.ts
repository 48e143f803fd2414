import { readFile } from 'node:fs/promises';
import { join, normalize } from 'node:path';

import type { ExtensionType } from '@oci/manager';
import { type OciError, asOciError } from '@oci/spec-types';

import { contentRoot } from '../extract/content-root.js';
import type { ExtractedTree } from '../extract/extract.js';
import { parseKclMod } from '../pack/kcl-mod.js';
import { type DeclaredIdentity, declaredIdentity, declaringFiles } from './declared-identity.js';

/** What an extension is asked for by. */
export interface ExtensionName {
  readonly type: ExtensionType;
  readonly name: string;
  readonly version: string;
}

/** Something about an extension that is wrong, or may be. */
export interface Finding {
  readonly severity: 'error' | 'warning';
  /** Of the file, relative to the extension. */
  readonly path: string;
  readonly message: string;
}

/** A tree that is what its name says. Made only by {@link validateExtension}. */
export interface Extension extends ExtensionName {
  /** Absolute: where its files are, behind a wrapping directory. */
  readonly root: string;
  readonly __brand: 'Extension';
}

export interface Validation {
  /** All of them, errors first. */
  readonly findings: readonly Finding[];
  /** Absent when there is an error. */
  readonly extension?: Extension;
}

/** Files of which an extension has at least one, in whichever of the platform's layouts it is. */
const markers = [
  'extension.toml',
  'metadata.toml',
  'manifest.toml',
  'manifest.yaml',
  'kcl.mod',
  'kcl/kcl.mod',
] as const;

/** Looks whether a tree is the extension that was asked for; says everything that it finds at once. */
export async function validateExtension(
  tree: ExtractedTree,
  expected: ExtensionName,
): Promise<Validation> {
  const root = await contentRoot(tree);
  const texts = new Map<string, string>();
  for (const marker of markers) {
    const text = await readFile(join(root, marker), 'utf8').catch(() => undefined);
    if (text !== undefined) texts.set(marker, text);
  }
  const findings = [
    ...missingMarker(texts),
    ...identityFindings(texts, expected),
    ...kclFindings(texts),
  ].sort((a, b) => (a.severity === b.severity ? 0 : a.severity === 'error' ? -1 : 1));
  if (findings.some(({ severity }) => severity === 'error')) return { findings };
  return { findings, extension: { ...expected, root, __brand: 'Extension' } };
}

function missingMarker(texts: ReadonlyMap<string, string>): readonly Finding[] {
  if (texts.size > 0) return [];
  return [error('.', `has none of ${markers.join(', ')}, so it is no extension`)];
}

function identityFindings(
  texts: ReadonlyMap<string, string>,
  expected: ExtensionName,
): readonly Finding[] {
  let declared: DeclaredIdentity | undefined;
  try {
    declared = declaredIdentity((path) => texts.get(path));
  } catch (thrown) {
    return [unreadable(declaringFiles.find((file) => texts.has(file)) ?? '.', thrown)];
  }
  if (!declared) return [];
  const { file } = declared;
  return (['name', 'version'] as const).flatMap((key) => {
    const said = declared[key];
    if (said === undefined) return [warning(file, `does not say its ${key}`)];
    return said === expected[key]
      ? []
      : [error(file, `says ${key} ${said}, expected ${expected[key]}`)];
  });
}

function kclFindings(texts: ReadonlyMap<string, string>): readonly Finding[] {
  return ['kcl.mod', 'kcl/kcl.mod'].flatMap((path) => {
    const text = texts.get(path);
    if (text === undefined) return [];
    try {
      const { pathDependencies } = parseKclMod(text);
      return Object.entries(pathDependencies)
        .filter(([, target]) => leaves(path, target))
        .map(([name, target]) =>
          warning(path, `${name} is at ${target}, outside of the extension: it will not be found`),
        );
    } catch (thrown) {
      return [unreadable(path, thrown)];
    }
  });
}

function leaves(from: string, target: string): boolean {
  return target.startsWith('/') || normalize(join(from, '..', target)).startsWith('..');
}

function error(path: string, message: string): Finding {
  return { severity: 'error', path, message };
}

function warning(path: string, message: string): Finding {
  return { severity: 'warning', path, message };
}

function unreadable(path: string, thrown: unknown): Finding {
  const { message }: OciError = asOciError(thrown);
  return error(path, message);
}
