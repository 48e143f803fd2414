import * as z from 'zod';

import { digestSchema, repositorySchema, versionSchema } from './identifier-schema.js';

export interface VersionQuery {
  readonly repository: string;
  readonly version: string;
}

export interface ReferrersQuery {
  readonly repository: string;
  /** Of the manifest that is referred to. */
  readonly digest: string;
  readonly artifact_type?: string | undefined;
}

export interface ExistsJson {
  readonly repository: string;
  readonly version: string;
  readonly exists: boolean;
}

export interface ManifestJson {
  readonly digest: string;
  /** Bytes of the manifest itself. */
  readonly size: number;
  readonly media_type: string;
  readonly from_cache: boolean;
  /** The document as published. */
  readonly manifest: Readonly<Record<string, unknown>>;
}

export interface TagsJson {
  readonly repository: string;
  readonly tags: readonly string[];
}

export interface ReferrerJson {
  readonly media_type: string;
  readonly digest: string;
  readonly size: number;
  readonly artifact_type: string | null;
  readonly annotations: Readonly<Record<string, string>>;
}

export const versionQuerySchema: z.ZodType<VersionQuery> = z.strictObject({
  repository: repositorySchema,
  version: versionSchema,
});

export const repositoryQuerySchema: z.ZodType<{ readonly repository: string }> = z.strictObject({
  repository: repositorySchema,
});

export const referrersQuerySchema: z.ZodType<ReferrersQuery> = z.strictObject({
  repository: repositorySchema,
  digest: digestSchema,
  artifact_type: z.string().min(1).max(255).optional(),
});

export const existsJsonSchema: z.ZodType<ExistsJson> = z.object({
  repository: z.string(),
  version: z.string(),
  exists: z.boolean(),
});

export const manifestJsonSchema: z.ZodType<ManifestJson> = z.object({
  digest: z.string(),
  size: z.int().nonnegative(),
  media_type: z.string(),
  from_cache: z.boolean(),
  manifest: z.record(z.string(), z.unknown()),
});

export const tagsJsonSchema: z.ZodType<TagsJson> = z.object({
  repository: z.string(),
  tags: z.array(z.string()),
});

export const referrerJsonSchema: z.ZodType<ReferrerJson> = z.object({
  media_type: z.string(),
  digest: z.string(),
  size: z.int().nonnegative(),
  artifact_type: z.string().nullable(),
  annotations: z.record(z.string(), z.string()),
});
