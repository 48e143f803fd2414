import { type Digest, isDigest } from './digest.js';
import { type RepositoryName, isRepositoryName } from './repository-name.js';
import { type Tag, isTag } from './tag.js';

/**
 * The paths of the registry API (distribution-spec, "Endpoints"): built by the client, parsed by
 * the server, in this file only. Identifiers are of the URL's alphabet, so nothing is escaped.
 */
export const registryPaths = {
  base: (): string => '/v2/',
  catalog: (page: Page = {}): string => `/v2/_catalog${query(page)}`,
  tags: (name: RepositoryName, page: Page = {}): string => `/v2/${name}/tags/list${query(page)}`,
  manifest: (name: RepositoryName, tagOrDigest: Tag | Digest): string =>
    `/v2/${name}/manifests/${tagOrDigest}`,
  blob: (name: RepositoryName, digest: Digest): string => `/v2/${name}/blobs/${digest}`,
  uploads: (name: RepositoryName, start: UploadStart = {}): string =>
    `/v2/${name}/blobs/uploads/${query(start)}`,
  upload: (name: RepositoryName, session: string): string => `/v2/${name}/blobs/uploads/${session}`,
  referrers: (
    name: RepositoryName,
    digest: Digest,
    filter: { artifactType?: string; last?: Digest } = {},
  ): string => `/v2/${name}/referrers/${digest}${query(filter)}`,
} as const;

/** `n` entries behind `last`. */
export interface Page {
  readonly n?: number;
  readonly last?: string;
}

/** How an upload begins: as one request, as a mount, or open (all absent). */
export interface UploadStart {
  readonly digest?: Digest;
  readonly mount?: Digest;
  readonly from?: RepositoryName;
}

/** What a request path names. `invalid` paths are of the API, with an identifier that is malformed. */
export type RegistryRoute =
  | { readonly endpoint: 'base' }
  | { readonly endpoint: 'catalog' }
  | { readonly endpoint: 'tags'; readonly name: RepositoryName }
  | {
      readonly endpoint: 'manifest';
      readonly name: RepositoryName;
      readonly reference: ManifestReference;
    }
  | { readonly endpoint: 'blob'; readonly name: RepositoryName; readonly digest: Digest }
  | { readonly endpoint: 'uploads'; readonly name: RepositoryName }
  | { readonly endpoint: 'upload'; readonly name: RepositoryName; readonly session: string }
  | { readonly endpoint: 'referrers'; readonly name: RepositoryName; readonly digest: Digest }
  | {
      readonly endpoint: 'invalid';
      readonly code: 'NAME_INVALID' | 'DIGEST_INVALID' | 'TAG_INVALID';
    };

/** `<tag-or-digest>`: the one place of the API where either stands. */
export type ManifestReference = { readonly tag: Tag } | { readonly digest: Digest };

const shapes = {
  tags: /^(.*)\/tags\/list$/,
  manifest: /^(.*)\/manifests\/([^/]+)$/,
  uploads: /^(.*)\/blobs\/uploads\/?$/,
  upload: /^(.*)\/blobs\/uploads\/([a-zA-Z0-9_-]{1,128})$/,
  blob: /^(.*)\/blobs\/([^/]+)$/,
  referrers: /^(.*)\/referrers\/([^/]+)$/,
} as const;

/** Parses the path of a request, without its query. Undefined when it is none of the API. */
export function parseRegistryPath(path: string): RegistryRoute | undefined {
  if (path === '/v2' || path === '/v2/') return { endpoint: 'base' };
  if (path === '/v2/_catalog' || path === '/v2/_catalog/') return { endpoint: 'catalog' };
  if (!path.startsWith('/v2/')) return undefined;
  const rest = path.slice('/v2/'.length);
  for (const endpoint of Object.keys(shapes) as (keyof typeof shapes)[]) {
    const match = shapes[endpoint].exec(rest);
    if (match) return route(endpoint, match[1] ?? '', match[2] ?? '');
  }
  return undefined;
}

function route(endpoint: keyof typeof shapes, name: string, last: string): RegistryRoute {
  if (!isRepositoryName(name)) return { endpoint: 'invalid', code: 'NAME_INVALID' };
  switch (endpoint) {
    case 'tags':
    case 'uploads':
      return { endpoint, name };
    case 'upload':
      return { endpoint, name, session: last };
    case 'manifest': {
      const reference = parseManifestReference(last);
      if (reference) return { endpoint, name, reference };
      return { endpoint: 'invalid', code: last.includes(':') ? 'DIGEST_INVALID' : 'TAG_INVALID' };
    }
    case 'blob':
    case 'referrers':
      return isDigest(last)
        ? { endpoint, name, digest: last }
        : { endpoint: 'invalid', code: 'DIGEST_INVALID' };
  }
}

function parseManifestReference(text: string): ManifestReference | undefined {
  if (text.includes(':')) return isDigest(text) ? { digest: text } : undefined;
  return isTag(text) ? { tag: text } : undefined;
}

function query(parameters: object): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(parameters) as [
    string,
    string | number | undefined,
  ][]) {
    if (value !== undefined) search.set(key, String(value));
  }
  const text = search.toString();
  return text && `?${text}`;
}
