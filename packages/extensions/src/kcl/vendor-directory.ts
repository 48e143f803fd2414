import { join, posix } from 'node:path';

import { homeDirectory } from '@oci/files';

import { sipHash } from './sip-hash.js';

/**
 * Where `kcl` and kpm look for packages: `vendor` beside `kcl.mod` (`kcl run --vendor`); `cache`, the
 * directory of all projects; `storage`, the same with kpm's feature `SupportNewStorage`.
 */
const vendorDirectories = ['vendor', 'cache', 'storage'] as const;

export type VendorDirectory = (typeof vendorDirectories)[number];

/** What a directory is named by. */
export interface VendoredName {
  readonly name: string;
  readonly version: string;
  readonly registry: string;
  readonly repository: string;
}

/** The directory of a package, relative to the directory that packages are vendored in. */
export function vendorPath(kind: VendorDirectory, vendored: VendoredName): string {
  const { name, version, registry, repository } = vendored;
  const base = posix.basename(repository);
  switch (kind) {
    case 'vendor':
      return `${name}_${version}`;
    case 'cache':
      return `${base}_${version}`;
    case 'storage': {
      const place = `${registry}/${posix.dirname(repository)}`;
      return `oci/src/${sipHash(Buffer.from(place))}/${base}/${version}`;
    }
  }
}

/** The directory that packages are vendored in: beside `kcl.mod`, or the one that kpm has for all projects. */
export function vendorRoot(
  kind: VendorDirectory,
  packageDirectory: string,
  env: Readonly<Record<string, string | undefined>>,
): { readonly root: string; readonly relative: string } {
  if (kind === 'vendor') return { root: packageDirectory, relative: 'vendor' };
  const data = env['XDG_DATA_HOME'] || join(env['HOME'] || homeDirectory(), '.local', 'share');
  return { root: env['KCL_PKG_PATH'] || join(data, 'kcl', 'modules'), relative: '' };
}
