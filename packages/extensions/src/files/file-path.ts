import { type Descriptor, OciError, annotations, digestEncoded } from '@oci/spec-types';
import { pathComponents, pathFault } from '@oci/spec-types/text';

/** Endings by media type, the longest match first. */
const endings = [
  [/[.+]tar\+gzip$|tar\.gzip$|\.tar\.gz$/, '.tar.gz'],
  [/tar\+zstd$/, '.tar.zst'],
  [/[./+]tar$/, '.tar'],
  [/[/+]json$/, '.json'],
  [/[/+.-]yaml$/, '.yaml'],
  [/^text\/plain\b/, '.txt'],
  [/[+]gzip$|\/gzip$/, '.gz'],
  [/\/zip$|\+zip$/, '.zip'],
] as const;

/**
 * Returns the name of a layer: its title, else the name that its kind has for it, else its digest with an ending by
 * its media type. A title comes from outside and may be any text.
 */
export function fileName(layer: Descriptor, named?: string): string {
  const title = layer.annotations?.[annotations.title] || named;
  if (title !== undefined) return title;
  const ending = endings.find(([pattern]) => pattern.test(layer.mediaType))?.[1] ?? '';
  return `${digestEncoded(layer.digest)}${ending}`;
}

/**
 * Returns the segments of a name that is a path below a directory (GHSA-g5v4-5x39-vwhx).
 *
 * @throws OciError `ARCHIVE_UNSAFE`
 */
export function filePath(name: string): readonly string[] {
  const segments = pathComponents(name);
  if (pathFault(name) === undefined && segments.length > 0) return segments;
  throw new OciError(
    'ARCHIVE_UNSAFE',
    `the artifact names a file ${JSON.stringify(name.slice(0, 200))}, which is no path below a directory`,
    {
      hint: 'Nothing was written. Look into its manifest to see what it holds.',
      reason: { kind: 'file-name-unsafe' },
    },
  );
}
