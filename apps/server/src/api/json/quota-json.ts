import * as z from 'zod';

import { namespaceSchema } from './identifier-schema.js';

/** How full a namespace is. */
export interface QuotaJson {
  readonly namespace: string;
  /** Bytes that its repositories hold. */
  readonly used_bytes: number;
  /** Bytes that they may hold. */
  readonly max_bytes: number;
}

export interface QuotasQuery {
  /** 1 to 1000. Default 100. */
  readonly limit?: number | undefined;
  /** `next` of the page before. */
  readonly after?: string | undefined;
}

export interface QuotasJson {
  readonly quotas: readonly QuotaJson[];
  /** Null on the last page. */
  readonly next: string | null;
}

export const quotasQuerySchema: z.ZodType<QuotasQuery> = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1000).optional().meta({ description: 'Default 100.' }),
  after: namespaceSchema.optional().meta({ description: '`next` of the page before.' }),
});

export const quotasJsonSchema: z.ZodType<QuotasJson> = z.object({
  quotas: z.array(
    z.object({
      namespace: z.string(),
      used_bytes: z.int().nonnegative(),
      max_bytes: z.int().nonnegative(),
    }),
  ),
  next: z.string().nullable(),
});
