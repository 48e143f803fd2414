import {
  type Descriptor,
  type Digest,
  OciError,
  type RepositoryName,
  type ResolvedManifest,
  type Tag,
  isMediaType,
  isRepositoryName,
  parseDigest,
  parseReference,
  parseRepositoryName,
  parseTag,
} from '@oci/spec-types';
import { quoted } from '@oci/spec-types/text';

import { shown } from '../option-check.js';

/** Parses what names a manifest in a repository: a digest is what has a colon. @throws OciError `REFERENCE_INVALID`, `DIGEST_INVALID` */
export function parseTagOrDigest(text: string): Tag | Digest {
  if (isReference(text))
    throw new OciError('REFERENCE_INVALID', `${quoted(text, 300)} is no tag and no digest`, {
      hint: 'This is a reference: use openRepository, or give its tag or its digest alone.',
    });
  return typeof text === 'string' && text.includes(':') ? parseDigest(text) : parseTag(text);
}

/** Parses the name of a repository within its registry. @throws OciError `REFERENCE_INVALID` */
export function parseNameWithin(host: string, text: string): RepositoryName {
  const isWhole = typeof text === 'string' && text.startsWith(`${host}/`);
  if (!isWhole && !(isReference(text) && !isRepositoryName(text))) return parseRepositoryName(text);
  throw new OciError('REFERENCE_INVALID', `${quoted(text, 300)} is no repository name`, {
    hint: 'This is a reference: use openRepository, or give the name alone, such as team/tool.',
  });
}

/** Whether a text names more than a tag or a digest does. */
function isReference(text: string): boolean {
  if (typeof text !== 'string' || !/[/@:]/.test(text) || /^sha\d+[:-]/.test(text)) return false;
  try {
    parseReference(text);
    return true;
  } catch {
    return false;
  }
}

/** Returns the descriptor when it names content. @throws OciError `USAGE`, `DIGEST_INVALID` */
export function checkDescriptor<D extends Pick<Descriptor, 'digest' | 'size'>>(descriptor: D): D {
  checkContent(descriptor);
  const { size } = descriptor;
  if (Number.isSafeInteger(size) && size >= 0) return descriptor;
  throw new OciError('USAGE', `a descriptor has a size in bytes, not ${shown(size)}`, {
    hint: 'Give a descriptor as `resolve` returns it, or as a manifest holds it.',
  });
}

/** Returns what has a digest. @throws OciError `USAGE`, `DIGEST_INVALID` */
export function checkContent<D extends Pick<Descriptor, 'digest'>>(content: D): D {
  if (typeof content !== 'object' || content === null) {
    throw new OciError('USAGE', `content is named by a descriptor, not by ${shown(content)}`, {
      hint: 'Give a descriptor: mediaType, digest and size.',
    });
  }
  parseDigest(content.digest);
  return content;
}

/** @throws OciError `USAGE`, `DIGEST_INVALID` */
export function checkManifest(manifest: ResolvedManifest): ResolvedManifest {
  if (
    typeof manifest === 'object' &&
    manifest !== null &&
    manifest.bytes instanceof Uint8Array &&
    isMediaType(manifest.mediaType) &&
    typeof manifest.document === 'object'
  ) {
    checkDescriptor(manifest.descriptor);
    return manifest;
  }
  throw new OciError('USAGE', `a manifest is pushed, not ${shown(manifest)}`, {
    hint: 'Give what createManifest, createIndex or a fetch returned.',
  });
}

/** @throws OciError `USAGE` */
export function checkMediaType(mediaType: string): string {
  if (isMediaType(mediaType)) return mediaType;
  throw new OciError('USAGE', `${shown(mediaType)} is no media type`, {
    hint: 'A media type looks like application/spdx+json.',
  });
}
