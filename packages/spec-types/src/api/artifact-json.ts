import * as z from 'zod';

import type { OciError } from '../error.js';
import { namespaceSchema } from './identifier-schema.js';

/**
 * What a command prints as JSON and `/api/v1/oci` serves: the guide's shapes, snake_case,
 * written once for both.
 */
export interface ArtifactJson {
  readonly name: string;
  readonly version: string;
  readonly digest: string;
  /** Bytes of all layers. */
  readonly size: number;
  /** Of the manifest. */
  readonly media_type: string;
  /** RFC 3339; null when the publisher did not say. */
  readonly created_at: string | null;
}

export interface PullJson {
  readonly path: string;
  readonly reference: string;
  /** The same as `content_digest`. */
  readonly digest: string;
  /** What the reference points to. */
  readonly manifest_digest: string;
  /** Of the content layer, as published. */
  readonly content_digest: string;
  readonly size: number;
  readonly media_type: string;
  readonly from_cache: boolean;
}

export interface ErrorJson {
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
}

export interface ListArtifactsRequest {
  readonly namespace: string;
}

export interface ListArtifactsResponse {
  readonly success: true;
  readonly data: readonly ArtifactJson[];
}

export const artifactJsonSchema: z.ZodType<ArtifactJson> = z.object({
  name: z.string(),
  version: z.string(),
  digest: z.string(),
  size: z.int().nonnegative(),
  media_type: z.string(),
  created_at: z.string().nullable(),
});

export const pullJsonSchema: z.ZodType<PullJson> = z.object({
  path: z.string(),
  reference: z.string(),
  digest: z.string(),
  manifest_digest: z.string(),
  content_digest: z.string(),
  size: z.int().nonnegative(),
  media_type: z.string(),
  from_cache: z.boolean(),
});

export const errorJsonSchema: z.ZodType<ErrorJson> = z.object({
  code: z.string(),
  message: z.string(),
  hint: z.string().nullable(),
});

export const listArtifactsRequestSchema: z.ZodType<ListArtifactsRequest> = z.strictObject({
  namespace: namespaceSchema,
});

export const listArtifactsResponseSchema: z.ZodType<ListArtifactsResponse> = z.object({
  success: z.literal(true),
  data: z.array(artifactJsonSchema),
});

export function errorJson(error: OciError): ErrorJson {
  return { code: error.code, message: error.message, hint: error.hint ?? null };
}
