import {
  type Descriptor,
  OciError,
  annotations,
  digestEncoded,
  pathComponents,
  pathFault,
} from '@oci/spec-types';

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
 * Returns where a layer goes below the output directory: by its title, else by the name that its kind has
 * for it, else by its digest and media type. A title comes from outside and may be any text
 * (GHSA-g5v4-5x39-vwhx).
 *
 * @throws OciError `ARCHIVE_UNSAFE`
 */
export function filePath(layer: Descriptor, named?: string): readonly string[] {
  const title = layer.annotations?.[annotations.title] || named;
  if (title === undefined) {
    const ending = endings.find(([pattern]) => pattern.test(layer.mediaType))?.[1] ?? '';
    return [`${digestEncoded(layer.digest)}${ending}`];
  }
  const segments = pathComponents(title);
  if (pathFault(title) !== undefined || segments.length === 0) throw unsafe(title);
  return segments;
}

function unsafe(title: string): OciError {
  return new OciError(
    'ARCHIVE_UNSAFE',
    `the artifact names a file ${JSON.stringify(title.slice(0, 200))}, which is no path below a directory`,
    { hint: 'Nothing was written. See what it holds: ocictl manifest REPOSITORY VERSION' },
  );
}
