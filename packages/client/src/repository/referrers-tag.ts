import {
  type CallOptions,
  type Digest,
  type OciError,
  digestAlgorithm,
  isManifestMediaType,
  isOciError,
  mediaTypes,
  parseContentType,
  referrersTag,
} from '@oci/spec-types';
import { registryPaths } from '@oci/spec-types/registry-api';
import { parseStrictJson } from '@oci/spec-types/schemas';
import { digestOf } from '@oci/spec-types/node';

import { header } from '../transport/exchange.js';
import { type Endpoint, withoutMirrors } from './endpoint.js';
import { fetchWhole } from './whole-answer.js';

/** The list that a referrers tag holds, and the version of it that was read. */
export interface ReferrersTagList {
  /** The whole document, with all that others wrote into it. */
  readonly document: Readonly<Record<string, unknown>>;
  readonly entries: readonly unknown[];
  /** A strong one: others can't be compared with (RFC 9110, section 13.1.1). */
  readonly etag: string | undefined;
}

export interface ReferrersTagOptions extends CallOptions {
  /** Hears of a tag that may not be read, and is taken for one that is not there. */
  readonly onUnread?: ((error: OciError) => void) | undefined;
}

/**
 * Gets what a referrers tag holds: a list, nothing, the `subject` itself, or something `other` that is no
 * list. Artifactory answers 403 for a tag that is not there (sigstore/cosign#2973), GitLab the manifest whose
 * digest the tag is made of (oras-project/oras#2148).
 */
export async function readReferrersTag(
  endpoint: Endpoint,
  subject: Digest,
  { onUnread, ...options }: ReferrersTagOptions,
): Promise<ReferrersTagList | 'subject' | 'other' | undefined> {
  const { limits, name } = endpoint;
  const tag = referrersTag(subject);
  const ask = {
    ...options,
    method: 'GET',
    target: registryPaths.manifest(name, tag),
    headers: { accept: mediaTypes.imageIndex },
    subject: { name: `${name}:${tag}`, missing: 'MANIFEST_UNKNOWN' },
    expected: [200, 404],
  } as const;
  try {
    // A mirror's copy of the list may be old, and what is written next depends on it.
    const itself = withoutMirrors(endpoint);
    const { response, bytes } = await fetchWhole(itself, ask, limits.manifestBytes);
    if (response.status === 404) return undefined;
    if (isContentOf(subject, bytes)) return 'subject';
    const etag = header(response, 'etag');
    const servedAs = parseContentType(header(response, 'content-type') ?? '');
    const list = parseList(bytes, servedAs);
    return list ? { ...list, etag: etag?.startsWith('"') ? etag : undefined } : 'other';
  } catch (error) {
    if (!isOciError(error, 'DENIED')) throw error;
    onUnread?.(error);
    return undefined;
  }
}

function isContentOf(subject: Digest, bytes: Uint8Array): boolean {
  const algorithm = digestAlgorithm(subject);
  if (algorithm !== 'sha256' && algorithm !== 'sha512') return false;
  return digestOf(bytes, algorithm) === subject;
}

/** An OCI index, whatever its entries are like: each of them is judged for itself. */
function parseList(
  bytes: Uint8Array,
  servedAs: string | undefined,
): Pick<ReferrersTagList, 'document' | 'entries'> | undefined {
  let document: Record<string, unknown>;
  try {
    document = Object(parseStrictJson(bytes)) as Record<string, unknown>;
  } catch {
    // Whatever it is, it is no list, and must not be overwritten.
    return undefined;
  }
  const known = servedAs && isManifestMediaType(servedAs) ? servedAs : mediaTypes.imageIndex;
  const { manifests, config, layers } = document;
  const mediaType = document['mediaType'] || known;
  const entries = manifests ?? [];
  const isList = mediaType === mediaTypes.imageIndex && !config && !layers;
  return isList && Array.isArray(entries) ? { document, entries } : undefined;
}
