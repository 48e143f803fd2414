import { z } from 'zod';

import { artifactNameSchema, extensionTypeSchema } from './identifier-schema.js';

/** What an install gives. */
export interface InstallJson {
  /** Where it is, on the machine that installed it. */
  readonly path: string;
  readonly type: string;
  readonly name: string;
  readonly version: string;
  /** Of the layer. */
  readonly digest: string;
  /** False when it was there already. */
  readonly changed: boolean;
}

/** An extension that is installed. */
export interface InstalledJson {
  readonly type: string;
  readonly name: string;
  /** The version in use. */
  readonly version: string;
  /** What a rollback goes back to. */
  readonly previous: string | null;
}

export interface RollbackRequest {
  readonly type: 'provider' | 'taskserv' | 'cluster';
  readonly name: string;
}

export const installJsonSchema: z.ZodType<InstallJson> = z.object({
  path: z.string(),
  type: z.string(),
  name: z.string(),
  version: z.string(),
  digest: z.string(),
  changed: z.boolean(),
});

export const installedJsonSchema: z.ZodType<InstalledJson> = z.object({
  type: z.string(),
  name: z.string(),
  version: z.string(),
  previous: z.string().nullable(),
});

export const rollbackRequestSchema: z.ZodType<RollbackRequest> = z.strictObject({
  type: extensionTypeSchema,
  name: artifactNameSchema,
});
