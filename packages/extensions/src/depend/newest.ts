import type { ExtensionType, ManifestInfo, OciManager } from '@oci/manager';
import { type CallOptions, type EventListener, isOciError } from '@oci/spec-types';

import { mismatch } from '../recognise/mismatch.js';
import { rankVersions } from './version-range.js';

/** Manifests that one choice looks at: a repository may have any number of images beside a package. */
const maxLooks = 8;

/** The versions of a repository, and how to look at one. */
export interface Candidates {
  readonly wanted: 'kcl' | ExtensionType;
  /** `registry/repository`, for events. */
  readonly name: string;
  readonly versions: readonly string[];
  readonly manifest: (version: string) => Promise<ManifestInfo>;
  readonly onEvent?: EventListener | undefined;
}

/**
 * Chooses the newest version within all ranges that is not something else, as an image of the program beside its
 * extension. Where nothing among the newest is what is wanted, it is the newest, for the pull to refuse.
 *
 * @returns undefined when no version is within the ranges
 */
export async function newestWanted(
  candidates: Candidates,
  ...ranges: readonly (string | undefined)[]
): Promise<string | undefined> {
  const [newest, ...others] = rankVersions(candidates.versions, ranges);
  // The only one needs no look.
  if (newest === undefined || others.length === 0) return newest;
  for (const version of [newest, ...others].slice(0, maxLooks)) {
    const reason = await reasonAgainst(version, candidates);
    if (reason === undefined) return version;
    const reference = `${candidates.name}:${version}`;
    candidates.onEvent?.({ type: 'skipped', reference, reason });
  }
  return newest;
}

type Source<Place extends keyof OciManager> = Pick<OciManager, Place | 'getManifest'>;

/** The versions of an extension, to choose from. */
export function extensionCandidates(
  of: { readonly type: ExtensionType; readonly name: string; readonly versions: readonly string[] },
  source: Source<'extensionPlace'>,
  { signal, onEvent }: CallOptions,
): Candidates {
  const { registry, repository } = source.extensionPlace(of.type, of.name);
  return {
    wanted: of.type,
    name: `${registry}/${repository}`,
    versions: of.versions,
    manifest: (version) => source.getManifest(repository, version, { signal }),
    onEvent,
  };
}

/** The versions of a KCL package, to choose from. */
export function kclCandidates(
  of: { readonly name: string; readonly versions: readonly string[] },
  source: Source<'kclPackagePlace'>,
  { signal, onEvent }: CallOptions,
): Candidates {
  const { registry, repository } = source.kclPackagePlace(of.name);
  return {
    wanted: 'kcl',
    name: `${registry}/${repository}`,
    versions: of.versions,
    manifest: (version) => source.getManifest(repository, version, { signal }),
    onEvent,
  };
}

async function reasonAgainst(
  version: string,
  { wanted, manifest }: Candidates,
): Promise<string | undefined> {
  try {
    const found = mismatch(wanted, await manifest(version));
    return found === undefined ? undefined : `it is ${found}`;
  } catch (error) {
    if (isOciError(error, 'UNSUPPORTED', 'DOCUMENT_INVALID', 'MANIFEST_UNKNOWN'))
      return error.message;
    throw error;
  }
}
