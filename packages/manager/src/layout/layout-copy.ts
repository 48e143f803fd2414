import type { CopyEvent, CopyOptions } from '@oci/client/copy';
import {
  type CallOptions,
  type Descriptor,
  type Digest,
  type Platform,
  type Repository,
  type Tag,
  isOciError,
} from '@oci/spec-types';

export interface CacheLayoutOptions extends CallOptions {
  /** Tells what would go, and writes nothing. */
  readonly dryRun?: boolean | undefined;
}

/** A layout's names are any text (image-spec `annotations.md`); the contract of a repository calls them tags. */
export function layoutName(name: string): Tag {
  return name as Tag;
}

/** Returns the options of a copy of an artifact with all that refers to it. */
export function copyOptions(
  { signal, onEvent }: CacheLayoutOptions,
  platforms: readonly Platform[] | undefined,
): CopyOptions {
  const tell = onEvent && {
    onEvent: (event: CopyEvent) => {
      if (event.type !== 'plan' && event.type !== 'mount') onEvent(event);
    },
  };
  return { signal, referrers: true, ...tell, ...(platforms && { platforms }) };
}

/** A pull brings of an index what its machine needs: those platforms alone can be copied. */
export async function presentPlatforms(
  repository: Pick<Repository, 'resolve' | 'fetchManifest' | 'hasBlob'>,
  digest: Digest,
): Promise<readonly Platform[] | 'incomplete' | undefined> {
  try {
    const manifest = await repository.fetchManifest(await repository.resolve(digest));
    if (manifest.kind === 'image') return undefined;
    const { manifests } = manifest.document;
    const here: Descriptor[] = [];
    for (const child of manifests) if (await repository.hasBlob(child)) here.push(child);
    if (here.length === manifests.length) return undefined;
    const platforms = here.map(({ platform }) => platform).filter((known) => known !== undefined);
    return platforms.length > 0 ? platforms : 'incomplete';
  } catch (error) {
    if (isOciError(error, 'MANIFEST_UNKNOWN')) return 'incomplete';
    throw error;
  }
}
