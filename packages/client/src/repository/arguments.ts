import {
  type CallOptions,
  type Descriptor,
  type Digest,
  OciError,
  type ResolvedManifest,
  type Tag,
  isMediaType,
  parseDigest,
  parseTag,
} from '@oci/spec-types';
import { quoted } from '@oci/spec-types/text';

/** Parses what names a manifest in a repository: a digest is what has a colon. @throws OciError `REFERENCE_INVALID`, `DIGEST_INVALID` */
export function parseTagOrDigest(text: string): Tag | Digest {
  return typeof text === 'string' && text.includes(':') ? parseDigest(text) : parseTag(text);
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

/** Returns the options when they are some. @throws OciError `USAGE` */
export function checkCall<O extends CallOptions>(options: O): O {
  const fail = (what: string): never => {
    throw new OciError('USAGE', what, { hint: 'Options look like { signal, onEvent }.' });
  };
  if (typeof options !== 'object' || options === null)
    fail(`options are an object, not ${shown(options)}`);
  const { signal, onEvent } = options;
  if (signal !== undefined && !(signal instanceof AbortSignal))
    fail(`a signal is an AbortSignal, not ${shown(signal)}`);
  if (onEvent !== undefined && typeof onEvent !== 'function')
    fail(`onEvent is a function, not ${shown(onEvent)}`);
  return options;
}

function shown(value: unknown): string {
  return typeof value === 'number' ? String(value) : quoted(value);
}
