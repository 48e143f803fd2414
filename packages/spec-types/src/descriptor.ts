import * as z from 'zod';

import type { Annotations } from './annotation.js';
import { type Digest, isDigest } from './digest.js';
import { listOf, mapOf } from './document-schema.js';
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

export const digestSchema: z.ZodType<Digest> = z.custom<Digest>(
  (value) => typeof value === 'string' && isDigest(value),
  'not a digest',
);

export const mediaTypeSchema: z.ZodType<string> = z
  .string()
  .refine(isMediaType, 'not a media type');

export const annotationsSchema: z.ZodType<Annotations> = mapOf(z.string());

export const platformSchema: z.ZodType<Platform> = z.looseObject({
  architecture: z.string(),
  os: z.string(),
  'os.version': z.string().exactOptional(),
  'os.features': listOf(z.string()).exactOptional(),
  variant: z.string().exactOptional(),
  features: listOf(z.string()).exactOptional(),
});

/** RFC 3986, section 3: a relative URL means nothing here. */
const urlSchema = z.string().refine((text) => URL.canParse(text), 'not a URL');

export const descriptorSchema: z.ZodType<Descriptor> = z.looseObject({
  mediaType: mediaTypeSchema,
  digest: digestSchema,
  size: z.int().nonnegative(),
  urls: listOf(urlSchema).exactOptional(),
  annotations: annotationsSchema.exactOptional(),
  data: z.base64().exactOptional(),
  artifactType: mediaTypeSchema.exactOptional(),
  platform: platformSchema.exactOptional(),
});

/** The descriptor of `{}`, the config of artifacts that have none (image-spec `manifest.md`). */
export const emptyDescriptor: Descriptor = {
  mediaType: 'application/vnd.oci.empty.v1+json',
  digest: 'sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a' as Digest,
  size: 2,
  data: 'e30=',
};
