import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { onStorage, refuseLinks, unlessMissing } from '@oci/files';
import { OciError, type RepositoryName, isRepositoryName } from '@oci/spec-types';

/** What a walk met: a repository, or why a directory is none. */
export type WalkedRepository =
  { readonly name: RepositoryName } | { readonly path: string; readonly error: OciError };

/** Directories that are looked at for one repository that is found, at most. */
const mostDirectories = 10_000_000;

/**
 * Finds the repositories of a directory in which each is a path, with a directory of a given name at its end, as
 * docker-registry and an export keep them. Through no symbolic link, and no deeper than a name can be.
 *
 * @param marker begins with `_`, which no component of a name does
 */
export async function* repositoriesBelow(
  root: string,
  { relative, marker }: { readonly relative: string; readonly marker: string },
): AsyncGenerator<WalkedRepository, void, undefined> {
  let looked = 0;
  const walk = async function* (name: string): AsyncGenerator<WalkedRepository, void, undefined> {
    looked += 1;
    if (looked > mostDirectories)
      throw new OciError('LIMIT_EXCEEDED', `${root} has more than ${mostDirectories} directories`);
    const entries = await entriesIn(root, join(relative, name));
    if (name !== '' && entries.some((entry) => entry.name === marker && entry.isDirectory))
      yield { name: name as RepositoryName };
    for (const entry of entries) {
      if (/^[_.]/.test(entry.name) || !(entry.isDirectory || entry.isLink)) continue;
      const below = name === '' ? entry.name : `${name}/${entry.name}`;
      if (entry.isLink) yield { path: below, error: linked(join(root, relative, below)) };
      else if (isRepositoryName(below)) yield* walk(below);
      else yield { path: below, error: unnamed(below) };
    }
  };
  yield* walk('');
}

async function entriesIn(
  root: string,
  relative: string,
): Promise<
  readonly { readonly name: string; readonly isDirectory: boolean; readonly isLink: boolean }[]
> {
  const path = join(root, relative);
  return onStorage({ path }, async () => {
    refuseLinks(root, join(path, 'x'));
    const entries = (await readdir(path, { withFileTypes: true }).catch(unlessMissing)) ?? [];
    return entries
      .map((entry) => ({
        name: entry.name,
        isDirectory: entry.isDirectory(),
        isLink: entry.isSymbolicLink(),
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  });
}

function linked(path: string): OciError {
  return new OciError('POLICY_REFUSED', `${path} is a symbolic link, which is not followed`);
}

function unnamed(name: string): OciError {
  return new OciError('REFERENCE_INVALID', `${name.slice(0, 300)} is not the name of a repository`);
}
