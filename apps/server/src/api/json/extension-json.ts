import * as z from 'zod';

import { extensionNameSchema, extensionTypeSchema, versionSchema } from './identifier-schema.js';

/** What an install gives. */
export interface InstallJson {
  /** Where it is, on the machine that installed it. */
  readonly path: string;
  readonly type: string;
  readonly name: string;
  readonly version: string;
  /** The same as `content_digest`. */
  readonly digest: string;
  readonly manifest_digest: string;
  /** Of the content layer. */
  readonly content_digest: string;
  /** False when it was there already. */
  readonly changed: boolean;
}

/** An extension that is installed, with all its versions that are in place. */
export interface InstalledJson {
  readonly type: string;
  readonly name: string;
  /** The version in use. */
  readonly current: string | null;
  /** What a rollback goes back to. */
  readonly previous: string | null;
  readonly versions: readonly {
    readonly version: string;
    readonly path: string;
    /** The same as `content_digest`. */
    readonly digest: string;
    readonly manifest_digest: string;
    /** Of the content layer. */
    readonly content_digest: string;
    /** The reference that it was pulled by. */
    readonly source: string;
    /** RFC 3339. */
    readonly installed_at: string;
  }[];
}

/** What a rollback left, and what is in use now. */
export interface RollbackJson {
  readonly type: string;
  readonly name: string;
  readonly from: string | null;
  readonly version: string;
  readonly path: string;
}

export interface RollbackRequest {
  readonly type: 'provider' | 'taskserv' | 'cluster';
  readonly name: string;
  /** Default: the version that was in use before. */
  readonly to?: string | undefined;
}

export const installJsonSchema: z.ZodType<InstallJson> = z.object({
  path: z.string(),
  type: z.string(),
  name: z.string(),
  version: z.string(),
  digest: z.string(),
  manifest_digest: z.string(),
  content_digest: z.string(),
  changed: z.boolean(),
});

export const installedJsonSchema: z.ZodType<InstalledJson> = z.object({
  type: z.string(),
  name: z.string(),
  current: z.string().nullable(),
  previous: z.string().nullable(),
  versions: z.array(
    z.object({
      version: z.string(),
      path: z.string(),
      digest: z.string(),
      manifest_digest: z.string(),
      content_digest: z.string(),
      source: z.string(),
      installed_at: z.string(),
    }),
  ),
});

export const rollbackJsonSchema: z.ZodType<RollbackJson> = z.object({
  type: z.string(),
  name: z.string(),
  from: z.string().nullable(),
  version: z.string(),
  path: z.string(),
});

export const rollbackRequestSchema: z.ZodType<RollbackRequest> = z.strictObject({
  type: extensionTypeSchema,
  name: extensionNameSchema,
  to: versionSchema.optional(),
});
