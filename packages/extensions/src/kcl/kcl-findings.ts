import { type OciError, asOciError, isOciError } from '@oci/spec-types';

import { readArchiveFiles } from '../extract/archive-files.js';
import { type Finding, error, warning } from '../validate/finding.js';
import { leavesPackage } from './kcl-dependency.js';
import { parseKclLock } from './kcl-lock.js';
import { type KclMod, parseKclMod } from './kcl-mod.js';

/** What a `kcl.mod`, and the `kcl.mod.lock` beside it, will make trouble with once they are published. */
export function kclFindings(
  files: { readonly mod: string; readonly lock?: string | undefined },
  path: string,
): readonly Finding[] {
  try {
    const mod = parseKclMod(files.mod);
    return [...dependencyFindings(mod, path), ...lockFindings(mod, files.lock, `${path}.lock`)];
  } catch (thrown) {
    return [error(path, asOciError(thrown).message)];
  }
}

function dependencyFindings(mod: KclMod, path: string): readonly Finding[] {
  return mod.dependencies.flatMap((dependency) => {
    if (dependency.kind === 'git')
      return [warning(path, `${dependency.name} comes from git, which only kpm can fetch`)];
    if (dependency.kind !== 'path' || !leavesPackage(dependency, path)) return [];
    const { name, path: target } = dependency;
    return [warning(path, `${name} is at ${target}, outside of the package: it will not be found`)];
  });
}

function lockFindings(mod: KclMod, text: string | undefined, path: string): readonly Finding[] {
  if (text === undefined) return [];
  try {
    const locked = parseKclLock(text);
    return mod.dependencies.flatMap((dependency) => {
      const held = locked.get(dependency.name);
      if (dependency.kind !== 'oci' || !held) return [];
      const { name, version } = dependency;
      const isExact = version !== undefined && /^v?\d+\.\d+\.\d+/.test(version);
      return isExact && held.version !== version
        ? [warning(path, `holds ${name} at ${held.version}, but kcl.mod says ${version}`)]
        : [];
    });
  } catch (thrown) {
    return [error(path, asOciError(thrown).message)];
  }
}

/**
 * Looks into the archive of a pulled KCL package: whether it is the one that was asked for, and what of it
 * will not be found. An archive that would not be unpacked is a finding, too.
 */
export async function inspectKclPackage(
  archivePath: string,
  expected: { readonly name: string; readonly version: string },
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<readonly Finding[]> {
  const names = ['kcl.mod', 'kcl.mod.lock'];
  const files = await readArchiveFiles(archivePath, names, options).catch(refusedArchive);
  if (isOciError(files)) return [error('.', files.message)];
  const mod = files.get('kcl.mod')?.toString('utf8');
  if (mod === undefined) return [error('.', 'has no kcl.mod, so it is no KCL package')];
  const lock = files.get('kcl.mod.lock')?.toString('utf8');
  return [...kclFindings({ mod, lock }, 'kcl.mod'), ...identityFindings(mod, expected)];
}

function refusedArchive(thrown: unknown): OciError {
  if (isOciError(thrown, 'ARCHIVE_UNSAFE', 'ARCHIVE_INVALID', 'LIMIT_EXCEEDED', 'UNSUPPORTED'))
    return thrown;
  throw thrown;
}

function identityFindings(
  text: string,
  expected: { readonly name: string; readonly version: string },
): readonly Finding[] {
  try {
    const mod = parseKclMod(text);
    return (['name', 'version'] as const)
      .filter((key) => mod[key] !== expected[key])
      .map((key) => warning('kcl.mod', `says ${key} ${mod[key]}, expected ${expected[key]}`));
  } catch {
    // Said already, by what read it first.
    return [];
  }
}
