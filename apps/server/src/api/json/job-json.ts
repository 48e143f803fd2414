import * as z from 'zod';

import { type ErrorJson, errorJsonSchema } from './envelope.js';
import { type InstallJson, installJsonSchema } from './extension-json.js';
import {
  artifactNameSchema,
  extensionNameSchema,
  extensionTypeSchema,
  versionSchema,
} from './identifier-schema.js';
import { type ServedPullJson, servedPullJsonSchema } from './pull-json.js';
import { type RetentionJson, retentionJsonSchema } from './retention-json.js';
import { type CollectionJson, collectionJsonSchema } from './storage-json.js';
import { type VerificationPassJson, verificationPassJsonSchema } from './verification-json.js';

/** Long work to begin: a pull of a KCL package or an extension, or an install. */
export type JobRequest =
  | { readonly kind: 'kcl'; readonly name: string; readonly version: string }
  | {
      readonly kind: 'extension' | 'install';
      readonly type: 'provider' | 'taskserv' | 'cluster';
      readonly name: string;
      readonly version: string;
    };

const jobKinds = ['kcl', 'extension', 'install', 'collect', 'verify', 'retention'] as const;
const jobStates = ['queued', 'running', 'done', 'failed', 'cancelled'] as const;

export interface JobJson {
  readonly id: string;
  readonly kind: (typeof jobKinds)[number];
  readonly state: (typeof jobStates)[number];
  /** RFC 3339. */
  readonly created_at: string;
  readonly finished_at: string | null;
  /** Of the content that is on its way; both 0 before it begins. */
  readonly bytes_done: number;
  readonly bytes_total: number;
  readonly pull: ServedPullJson | null;
  readonly install: InstallJson | null;
  readonly collection: CollectionJson | null;
  readonly verification: VerificationPassJson | null;
  readonly retention: RetentionJson | null;
  readonly error: ErrorJson | null;
}

const extension = {
  type: extensionTypeSchema,
  name: extensionNameSchema,
  version: versionSchema,
};

export const jobRequestSchema: z.ZodType<JobRequest> = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('kcl'), name: artifactNameSchema, version: versionSchema }),
  z.strictObject({ kind: z.literal('extension'), ...extension }),
  z.strictObject({ kind: z.literal('install'), ...extension }),
]);

export const jobJsonSchema: z.ZodType<JobJson> = z.object({
  id: z.string(),
  kind: z.enum(jobKinds),
  state: z.enum(jobStates),
  created_at: z.string(),
  finished_at: z.string().nullable(),
  bytes_done: z.int().nonnegative(),
  bytes_total: z.int().nonnegative(),
  pull: servedPullJsonSchema.nullable(),
  install: installJsonSchema.nullable(),
  collection: collectionJsonSchema.nullable(),
  verification: verificationPassJsonSchema.nullable(),
  retention: retentionJsonSchema.nullable(),
  error: errorJsonSchema.nullable(),
});

export const jobIdSchema: z.ZodType<{ readonly id: string }> = z.strictObject({
  id: z.string().regex(/^[0-9a-f-]{36}$/),
});
