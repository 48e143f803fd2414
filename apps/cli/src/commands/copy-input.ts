import { type CopyOptions, parsePlatform } from '@oci/client/copy';
import { type Location, parseLocation } from '@oci/client/location';
import type { Reference } from '@oci/spec-types';

export interface CopyInput {
  readonly source: string;
  readonly target: string;
  readonly platform?: readonly string[];
  readonly referrers?: boolean;
  readonly verify?: boolean;
  readonly foreignLayers?: boolean;
  readonly allTags?: boolean;
  /** Patterns. */
  readonly tags?: readonly string[];
}

export interface Ends {
  readonly source: Location;
  readonly target: Location;
}

/** Settings of each artifact, from the options of the command. */
export function optionsOf({
  platform,
  referrers = false,
  verify,
  foreignLayers,
  concurrency,
}: CopyInput & { readonly concurrency: number | undefined }): CopyOptions {
  const layers = foreignLayers ? 'copy' : 'leave';
  return { ...platformsOf(platform), referrers, verify, foreignLayers: layers, concurrency };
}

/** One platform is its manifest, in place of the index; several are an index of those. */
function platformsOf(texts: readonly string[] = []): Pick<CopyOptions, 'platform' | 'platforms'> {
  const platforms = texts.map(parsePlatform);
  return platforms.length > 1 ? { platforms } : { platform: platforms[0] };
}

/** A layout on disk, or a registry; there a name without a host is of the configured one. */
export function locate(text: string, read: (text: string) => Reference): Location {
  const location = parseLocation(text);
  if (location.kind !== 'registry') return location;
  return { kind: 'registry', reference: read(text) };
}
