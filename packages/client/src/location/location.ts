import {
  type Digest,
  OciError,
  type Reference,
  formatReference,
  parseDigest,
  parseReference,
} from '@oci/spec-types';

/** Where an artifact is, as a user writes it. */
export type Location =
  | { readonly kind: 'registry'; readonly reference: Reference }
  | {
      /** A layout directory, or a tar of one. */
      readonly kind: 'layout' | 'archive';
      readonly path: string;
      /** A name in `index.json`: a tag, or what another tool wrote there. */
      readonly name?: string;
      readonly digest?: Digest;
    };

const hint =
  'It is a reference such as registry.example/team/name:1.0.0, oci:DIR:TAG, or oci-archive:FILE:TAG.';

/**
 * Parses what users of skopeo, oras, regctl and Helm write:
 *
 * ```
 * [docker://|oci://] reference             a registry
 * oci:DIR[:NAME][@DIGEST]                  a layout directory (skopeo)
 * ocidir://DIR[:NAME][@DIGEST]             the same (regctl)
 * oci-archive:FILE[:NAME][@DIGEST]         a tar of a layout (skopeo)
 * ```
 *
 * As in skopeo a path ends at its first colon, but for that of a drive.
 *
 * @throws OciError `REFERENCE_INVALID`, `DIGEST_INVALID`
 */
export function parseLocation(text: string): Location {
  const [, scheme, rest = ''] = /^([a-z][a-z-]*):(.*)$/s.exec(text) ?? [];
  switch (scheme) {
    case 'oci':
      return rest.startsWith('//') ? registry(rest.slice(2)) : inFiles('layout', rest, text);
    case 'ocidir':
      return inFiles('layout', rest.replace(/^\/\//, ''), text);
    case 'oci-archive':
      return inFiles('archive', rest, text);
    case 'docker':
      return rest.startsWith('//') ? registry(rest.slice(2)) : registry(text);
    case 'containers-storage':
    case 'dir':
    case 'docker-archive':
    case 'docker-daemon':
      throw invalid(text, `${scheme}: is not supported`);
    default:
      return registry(text);
  }
}

/** The text of a location, which {@link parseLocation} takes. */
export function formatLocation(location: Location): string {
  if (location.kind === 'registry') return formatReference(location.reference);
  const { kind, path, name, digest } = location;
  const scheme = kind === 'layout' ? 'oci' : 'oci-archive';
  const named = name === undefined ? '' : `:${name}`;
  return `${scheme}:${path}${named}${digest === undefined ? '' : `@${digest}`}`;
}

function registry(text: string): Location {
  return { kind: 'registry', reference: parseReference(text) };
}

function inFiles(kind: 'layout' | 'archive', rest: string, text: string): Location {
  const [, named = rest, hash] = /^(.*)@(sha(?:256|512):[^:/@]*)$/s.exec(rest) ?? [];
  const [, path = '', name] = /^((?:[A-Za-z]:(?=[\\/]))?[^:]*)(?::(.*))?$/s.exec(named) ?? [];
  if (path === '') throw invalid(text, 'it names no path');
  if (path.includes('\0') || name === '') throw invalid(text, 'it names nothing behind the colon');
  return {
    kind,
    path,
    ...(name !== undefined && { name }),
    ...(hash !== undefined && { digest: parseDigest(hash) }),
  };
}

function invalid(text: string, why: string): OciError {
  return new OciError(
    'REFERENCE_INVALID',
    `invalid location ${JSON.stringify(text.slice(0, 300))}: ${why}`,
    { hint },
  );
}
