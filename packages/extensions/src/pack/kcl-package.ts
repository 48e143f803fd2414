import { defaultTemplates, kclRepository } from '@oci/manager';
import { OciError, mediaTypes, tagOfVersion } from '@oci/spec-types';

import { kclFindings } from '../kcl/kcl-findings.js';
import { type KclMod, parseKclMod } from '../kcl/kcl-mod.js';
import { kclSum } from '../kcl/kcl-sum.js';
import { archive } from './archive.js';
import { matchesPattern } from './glob.js';
import { type PackedArtifact, assemble, refuseErrors } from './packed-artifact.js';
import { type SourceEntry, readSourceTree } from './source-tree.js';

/**
 * Packs a directory with a `kcl.mod` in the shape that kpm publishes (0.12.5 and newer), so that kpm
 * pulls it.
 *
 * @throws OciError `USAGE`, `EXTENSION_INVALID`
 */
export async function packKclPackage(
  directory: string,
  options: { readonly created?: Date | undefined } = {},
): Promise<PackedArtifact> {
  const tree = await readSourceTree(directory);
  const modText = textOf(tree, 'kcl.mod');
  if (modText === undefined) {
    throw new OciError('EXTENSION_INVALID', `${directory} has no kcl.mod`, {
      hint: 'Make one with: kcl mod init',
    });
  }
  const mod = parseKclMod(modText);
  const findings = kclFindings({ mod: modText, lock: textOf(tree, 'kcl.mod.lock') }, 'kcl.mod');
  refuseErrors(findings, directory);
  const entries = published(tree, mod);
  const parts = assemble({
    artifactType: mediaTypes.layerTarGzip,
    layer: await archive(entries),
    // kpm finds a layer by the ending of its title, and does not know `.tar.gz`.
    title: `${mod.name}_${mod.version}.tgz`,
    annotations: {
      'org.kcllang.package.name': mod.name,
      'org.kcllang.package.version': mod.version,
      'org.kcllang.package.description': mod.description,
      'org.kcllang.package.sum': kclSum(tree.filter(({ type }) => type === 'file')),
    },
    created: options.created,
  });
  return {
    ...parts,
    tag: tagOfVersion(mod.version),
    findings,
    repository: () => kclRepository(defaultTemplates, mod.name),
  };
}

function textOf(tree: readonly SourceEntry[], path: string): string | undefined {
  const file = tree.find((entry) => entry.path === path && entry.type === 'file');
  return file && Buffer.from(file.content).toString('utf8');
}

/** `exclude` first, then `include`, by kpm's rules; `kcl.mod` always is part of a package. */
function published(tree: readonly SourceEntry[], mod: KclMod): readonly SourceEntry[] {
  const matches = (patterns: readonly string[], path: string): boolean =>
    patterns.some((pattern) => matchesPattern(pattern, path));
  return tree.filter(
    ({ path }) =>
      path === 'kcl.mod' ||
      (!isLeftOut(path) &&
        !matches(mod.exclude, path) &&
        (mod.include.length === 0 || matches(mod.include, path))),
  );
}

/** kpm drops every path that contains one of these, wherever it stands. */
function isLeftOut(path: string): boolean {
  return path.includes('.git') || path.includes('.tar');
}
