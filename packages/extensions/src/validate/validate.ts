import { stat } from 'node:fs/promises';
import { join } from 'node:path';

import type { ExtensionType } from '@oci/manager';
import { OciError, asOciError, isOciError } from '@oci/spec-types';

import { readDocument } from '../document/document-text.js';
import { type ExtractedTree, contentRoot } from '../extract/extract.js';
import { kclFindings } from '../kcl/kcl-findings.js';
import { type Runtime, compatibilityFindings, environmentFindings } from './compatibility.js';
import { type Finding, error, hasErrors, sortFindings, warning } from './finding.js';
import { type ExtensionMetadata, readMetadata } from './metadata.js';
import { hasMatch } from './pattern-search.js';
import { type ValidationProfile, defaultProfiles } from './profile.js';

/** What an extension is asked for by. */
export interface ExtensionName {
  readonly type: ExtensionType;
  readonly name: string;
  readonly version: string;
}

/** A tree that is what its name says. Made only by {@link validateExtension}. */
export interface Extension extends ExtensionName {
  /** Absolute: where its files are, behind a wrapping directory. */
  readonly root: string;
  readonly metadata: ExtensionMetadata | undefined;
  readonly __brand: 'Extension';
}

export interface ValidateOptions {
  /** Asked before the platform's own. */
  readonly profiles?: readonly ValidationProfile[] | undefined;
  /** What the extension will run with: its ranges are held against these versions. */
  readonly runtime?: Runtime | undefined;
  /** Required variables that are missing here are warned of. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
}

/** What was found out about an extension, whether or not it is valid. */
export interface Inspection {
  /** All of them, errors first. */
  readonly findings: readonly Finding[];
  /** Its name; undefined when none fits. */
  readonly profile: string | undefined;
  readonly metadata: ExtensionMetadata | undefined;
}

export interface Validation extends Inspection {
  /** Absent when there is an error. */
  readonly extension?: Extension;
}

/** Looks whether a tree is the extension that was asked for; says everything that it finds at once. */
export async function validateExtension(
  tree: ExtractedTree,
  expected: ExtensionName,
  options: ValidateOptions = {},
): Promise<Validation> {
  const root = await contentRoot(tree);
  const inspection = await inspectDirectory(root, expected, options);
  if (hasErrors(inspection.findings)) return inspection;
  const { metadata } = inspection;
  return { ...inspection, extension: { ...expected, root, metadata, __brand: 'Extension' } };
}

/**
 * Looks at an extension's directory, for whoever writes it: as {@link validateExtension}, but only what
 * is given of its name has to agree.
 *
 * @throws OciError `USAGE` when the directory can't be read
 */
export async function inspectDirectory(
  directory: string,
  expected: Partial<ExtensionName>,
  options: ValidateOptions = {},
): Promise<Inspection> {
  await refuseNoDirectory(directory);
  const profile = await profileOf(directory, expected, options.profiles ?? []);
  const files = [...kclModFiles, profile?.declaration?.file ?? []].flat();
  const { texts, tooLarge } = await textsOf(directory, files);
  const { metadata, findings } = await metadataFindings(texts, profile, expected);
  const name = expected.name ?? metadata?.name ?? '*';
  return {
    profile: profile?.name,
    metadata,
    findings: sortFindings([
      ...tooLarge,
      ...findings,
      ...(await profileFindings(directory, profile, name)),
      ...kclModFindings(texts),
      ...(metadata ? compatibilityFindings(metadata, options.runtime ?? {}) : []),
      ...(metadata && options.env ? environmentFindings(metadata, options.env) : []),
    ]),
  };
}

const kclModFiles = ['kcl.mod', 'kcl.mod.lock', 'kcl/kcl.mod', 'kcl/kcl.mod.lock'] as const;

async function refuseNoDirectory(directory: string): Promise<void> {
  const info = await stat(directory).catch(() => undefined);
  if (info?.isDirectory()) return;
  throw new OciError('USAGE', `${directory} can not be read as a directory`, {
    hint: 'Name the directory that the extension is in.',
  });
}

async function profileOf(
  directory: string,
  { type }: Partial<ExtensionName>,
  profiles: readonly ValidationProfile[],
): Promise<ValidationProfile | undefined> {
  for (const profile of [...profiles, ...defaultProfiles]) {
    if (profile.types && type && !profile.types.includes(type)) continue;
    for (const pattern of profile.recognisedBy)
      if (await hasMatch(directory, pattern)) return profile;
  }
  return undefined;
}

async function textsOf(
  directory: string,
  paths: readonly string[],
): Promise<{ texts: ReadonlyMap<string, string>; tooLarge: readonly Finding[] }> {
  const texts = new Map<string, string>();
  const tooLarge: Finding[] = [];
  for (const path of paths) {
    try {
      texts.set(path, await readDocument(join(directory, path), path));
    } catch (thrown) {
      // What is missing or no file is told where it is required.
      if (isOciError(thrown, 'LIMIT_EXCEEDED')) tooLarge.push(error(path, thrown.message));
    }
  }
  return { texts, tooLarge };
}

async function metadataFindings(
  texts: ReadonlyMap<string, string>,
  profile: ValidationProfile | undefined,
  expected: Partial<ExtensionName>,
): Promise<{ metadata: ExtensionMetadata | undefined; findings: readonly Finding[] }> {
  const declaration = profile?.declaration;
  if (!declaration) return { metadata: undefined, findings: [] };
  try {
    const metadata = await readMetadata((path) => texts.get(path), [declaration]);
    return { metadata, findings: metadata ? identityFindings(metadata, expected) : [] };
  } catch (thrown) {
    const finding = error(declaration.file, asOciError(thrown).message);
    return { metadata: undefined, findings: [finding] };
  }
}

function identityFindings(
  metadata: ExtensionMetadata,
  expected: Partial<ExtensionName>,
): readonly Finding[] {
  const { file } = metadata;
  return (['name', 'version', 'type'] as const).flatMap((key) => {
    const said = metadata[key];
    if (said === undefined) return key === 'type' ? [] : [warning(file, `does not say its ${key}`)];
    const wanted = expected[key];
    return wanted === undefined || said === wanted
      ? []
      : [error(file, `says ${key} ${said.slice(0, 200)}, expected ${wanted}`)];
  });
}

async function profileFindings(
  directory: string,
  profile: ValidationProfile | undefined,
  name: string,
): Promise<readonly Finding[]> {
  if (!profile) {
    const known = [...new Set(defaultProfiles.flatMap(({ recognisedBy }) => recognisedBy))];
    return [error('.', `has none of ${known.join(', ')}, so it is no extension`)];
  }
  const findings: Finding[] = [];
  const look = async (patterns: readonly string[], make: typeof error): Promise<void> => {
    for (const pattern of patterns.map((pattern) => pattern.replaceAll('{name}', name)))
      if (!(await hasMatch(directory, pattern)))
        findings.push(make(pattern, `is missing for the profile ${profile.name}`));
  };
  await look(profile.required, error);
  await look(profile.recommended, warning);
  return findings;
}

function kclModFindings(texts: ReadonlyMap<string, string>): readonly Finding[] {
  return ['kcl.mod', 'kcl/kcl.mod'].flatMap((path) => {
    const mod = texts.get(path);
    return mod === undefined ? [] : kclFindings({ mod, lock: texts.get(`${path}.lock`) }, path);
  });
}
