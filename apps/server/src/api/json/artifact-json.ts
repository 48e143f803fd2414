import type { ArtifactJson } from '@oci/manager';
import * as z from 'zod';

import { namespaceSchema } from './identifier-schema.js';

export interface ListArtifactsRequest {
  readonly namespace: string;
}

export const artifactJsonSchema: z.ZodType<ArtifactJson> = z.object({
  name: z.string(),
  version: z.string(),
  digest: z.string(),
  size: z.int().nonnegative(),
  media_type: z.string(),
  created_at: z.string().nullable(),
});

export const listArtifactsRequestSchema: z.ZodType<ListArtifactsRequest> = z.strictObject({
  namespace: namespaceSchema,
});

/** What a listing is ordered by; `-` in front turns it round. */
const artifactOrders = [
  'name',
  '-name',
  'version',
  '-version',
  'size',
  '-size',
  'created_at',
  '-created_at',
] as const;

export type ArtifactOrder = (typeof artifactOrders)[number];

/** One page of a namespace's artifacts. */
export interface ArtifactQuery {
  readonly namespace: string;
  /** Text that names have to hold, in any case. */
  readonly search?: string | undefined;
  /** Default `name`. */
  readonly sort?: ArtifactOrder | undefined;
  /** 1 to 1000. Default 100. */
  readonly limit?: number | undefined;
  /** `next_cursor` of the page before. */
  readonly cursor?: string | undefined;
}

export interface ArtifactPageJson {
  readonly artifacts: readonly ArtifactJson[];
  /** How many there are on all pages. */
  readonly total: number;
  /** Null on the last page. */
  readonly next_cursor: string | null;
  /** RFC 3339: when the registry was asked. */
  readonly indexed_at: string;
  /** Whether the registry could not be asked since. */
  readonly stale: boolean;
}

export const artifactQuerySchema: z.ZodType<ArtifactQuery> = z.strictObject({
  namespace: namespaceSchema,
  search: z.string().max(128).optional(),
  sort: z.enum(artifactOrders).optional().meta({ description: 'Default `name`.' }),
  limit: z.coerce.number().int().min(1).max(1000).optional().meta({ description: 'Default 100.' }),
  cursor: z
    .string()
    .max(512)
    .regex(/^[A-Za-z0-9_-]*$/)
    .optional()
    .meta({ description: '`next_cursor` of the page before.' }),
});

export const artifactPageJsonSchema: z.ZodType<ArtifactPageJson> = z.object({
  artifacts: z.array(artifactJsonSchema),
  total: z.int().nonnegative(),
  next_cursor: z.string().nullable(),
  indexed_at: z.string(),
  stale: z.boolean(),
});
