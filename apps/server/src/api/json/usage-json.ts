import * as z from 'zod';

import { digestSchema, repositorySchema } from './identifier-schema.js';

export interface UsageQuery {
  readonly repository: string;
  /** Manifests in one answer, 1 to 1000. Default 100. */
  readonly limit?: number | undefined;
  /** The digest behind which the page begins. */
  readonly after?: string | undefined;
}

/** The manifests of a hosted repository that were pulled, in the order of their digests. */
export interface UsageJson {
  readonly repository: string;
  readonly manifests: readonly {
    readonly digest: string;
    /** Manifests that were sent whole, and pulls of the API. */
    readonly pulls: number;
    /** RFC 3339. */
    readonly last_pulled_at: string;
  }[];
  /** What `after` has to be for the next page; null on the last one. */
  readonly next: string | null;
}

export const usageQuerySchema: z.ZodType<UsageQuery> = z.strictObject({
  repository: repositorySchema,
  limit: z.coerce.number().int().min(1).max(1000).optional(),
  after: digestSchema.optional(),
});

export const usageJsonSchema: z.ZodType<UsageJson> = z.object({
  repository: z.string(),
  manifests: z.array(
    z.object({
      digest: digestSchema,
      pulls: z.int().nonnegative(),
      last_pulled_at: z.string(),
    }),
  ),
  next: z.string().nullable(),
});
