import type { Annotations } from './annotation.js';
import { type Digest, isDigest } from './digest.js';
import {
  type DocumentSchema,
  count,
  listOf,
  mapOf,
  objectOf,
  optional,
  optionalText,
  text,
  textThat,
} from './document-schema.js';
import { isMediaType } from './media-type.js';

/** What content is: its type, identity and length (image-spec `descriptor.md`). */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Bytes; at most 2^53 - 1. */
  readonly size: number;
  readonly urls?: readonly string[];
  readonly annotations?: Annotations;
  /** The content itself, base64. */
  readonly data?: string;
  readonly artifactType?: string;
  readonly platform?: Platform;
}

/** Where an image runs (image-spec `image-index.md`, "platform"). */
export interface Platform {
  readonly architecture: string;
  readonly os: string;
  readonly 'os.version'?: string;
  readonly 'os.features'?: readonly string[];
  readonly variant?: string;
  readonly features?: readonly string[];
}

/** Adds what descriptors claim; past what a number holds exactly, that number: a claim is no failure. */
export function totalSize(claimed: Iterable<Pick<Descriptor, 'size'>>): number {
  let total = 0;
  for (const { size } of claimed) total += size;
  return Math.min(total, Number.MAX_SAFE_INTEGER);
}

export const digestSchema: DocumentSchema<Digest> = textThat(isDigest, 'a digest');

export const mediaTypeSchema: DocumentSchema<string> = textThat(isMediaType, 'a media type');

export const annotationsSchema: DocumentSchema<Annotations> = mapOf(text);

export const platformSchema: DocumentSchema<Platform> = objectOf({
  architecture: text,
  os: text,
  'os.version': optional(text),
  'os.features': optional(listOf(text)),
  variant: optional(text),
  features: optional(listOf(text)),
});

/** RFC 3986, section 3: a relative URL means nothing here. */
const urlSchema = textThat((value) => URL.canParse(value), 'a URL');

/** RFC 4648, section 4, with its padding. */
const base64Schema = textThat(
  (value) => value.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(value),
  'base64',
);

export const descriptorSchema: DocumentSchema<Descriptor> = objectOf({
  mediaType: mediaTypeSchema,
  digest: digestSchema,
  size: count,
  urls: optional(listOf(urlSchema)),
  annotations: optional(annotationsSchema),
  data: optionalText(base64Schema),
  artifactType: optionalText(mediaTypeSchema),
  platform: optional(platformSchema),
});

/** The descriptor of `{}`, the config of artifacts that have none (image-spec `manifest.md`). */
export const emptyDescriptor: Descriptor = {
  mediaType: 'application/vnd.oci.empty.v1+json',
  digest: 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a' as Digest,
  size: 2,
  data: 'e30=',
};
