import {
  type Descriptor,
  OciError,
  type Platform,
  type ResolvedManifest,
  isIndexMediaType,
} from '@oci/spec-types';

/** The names of Go, which image-spec uses, for those of Node that differ. */
const architectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };
const systems: Readonly<Record<string, string>> = { win32: 'windows' };

/** The platform that this process runs on, by the names of image-spec. */
export function currentPlatform(): Platform {
  return {
    os: systems[process.platform] ?? process.platform,
    architecture: architectures[process.arch] ?? process.arch,
  };
}

/** Parses what a user writes for a platform: `os/architecture[/variant]`. @throws OciError `USAGE` */
export function parsePlatform(text: string): Platform {
  const [os, architecture, variant, ...rest] = text.split('/');
  const isWord = (word: string | undefined): word is string =>
    /^[a-z0-9._-]{1,64}$/i.test(word ?? '');
  if (isWord(os) && isWord(architecture) && rest.length === 0) {
    if (variant === undefined) return { os, architecture };
    if (isWord(variant)) return { os, architecture, variant };
  }
  throw new OciError('USAGE', `${JSON.stringify(text.slice(0, 100))} is not a platform`, {
    hint: 'A platform looks like linux/amd64 or linux/arm/v7.',
  });
}

export function formatPlatform({ os, architecture, variant }: Platform): string {
  return variant === undefined ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`;
}

/** Whether what is offered runs where something is wanted; a variant that is not asked for may be any. */
export function isPlatform(offered: Platform | undefined, wanted: Platform): boolean {
  if (offered?.os !== wanted.os || offered.architecture !== wanted.architecture) return false;
  const version = wanted['os.version'];
  if (version !== undefined && offered['os.version'] !== version) return false;
  return wanted.variant === undefined || variantOf(offered) === variantOf(wanted);
}

/** 64-bit ARM has one variant that everybody leaves out (image-spec `image-index.md`). */
function variantOf({ architecture, variant }: Platform): string | undefined {
  return variant ?? (architecture === 'arm64' ? 'v8' : undefined);
}

/**
 * The entries of an index for some platforms, with the attestations that buildx lists beside them.
 *
 * @throws OciError `MANIFEST_UNKNOWN` when one of the platforms has none
 */
export function entriesFor(
  index: ResolvedManifest & { readonly kind: 'index' },
  platforms: readonly Platform[],
): readonly Descriptor[] {
  const { manifests } = index.document;
  for (const platform of platforms) {
    if (!manifests.some((entry) => isPlatform(entry.platform, platform)))
      throw notOffered(platform, manifests);
  }
  const chosen = manifests.filter((entry) =>
    platforms.some((platform) => isPlatform(entry.platform, platform)),
  );
  const digests = new Set<string>(chosen.map(({ digest }) => digest));
  const belongs = (entry: Descriptor): boolean =>
    digests.has(entry.digest) || digests.has(attestedBy(entry) ?? '');
  return manifests.filter(belongs);
}

/**
 * The one manifest of an index for a platform: the first that fits, as image-spec has it, else the only one of the
 * index if that names no platform.
 *
 * @param wanted also as text, `linux/arm64`; default that of this process
 * @throws OciError `MANIFEST_UNKNOWN`, `USAGE`
 */
export function entryFor(
  index: ResolvedManifest & { readonly kind: 'index' },
  wanted: Platform | string = currentPlatform(),
): Descriptor {
  const platform = typeof wanted === 'string' ? parsePlatform(wanted) : wanted;
  const { manifests } = index.document;
  const entry = manifests.find((known) => isPlatform(known.platform, platform));
  if (entry) return entry;
  const [only, ...others] = manifests;
  if (only && others.length === 0 && isForAny(only)) return only;
  throw notOffered(platform, manifests);
}

/** An artifact runs nowhere, and an index may hold one index for each version. */
function isForAny({ platform, mediaType }: Descriptor): boolean {
  return platform === undefined || isIndexMediaType(mediaType);
}

const attested = 'vnd.docker.reference.digest';

function attestedBy({ annotations }: Descriptor): string | undefined {
  return annotations && Object.hasOwn(annotations, attested) ? annotations[attested] : undefined;
}

export function notOffered(platform: Platform, offered: readonly Descriptor[]): OciError {
  const names = offered.flatMap((entry) =>
    entry.platform ? [formatPlatform(entry.platform)] : [],
  );
  return new OciError('MANIFEST_UNKNOWN', `there is nothing for ${formatPlatform(platform)}`, {
    hint: `It offers ${names.slice(0, 12).join(', ') || 'no platforms'}.`,
  });
}
